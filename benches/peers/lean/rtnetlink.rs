use futures_util::TryStreamExt;
use rtnetlink::packet_route::link::MacVlanMode;
use rtnetlink::{LinkMacVlan, new_connection};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (connection, handle, _) = new_connection()?;
        tokio::spawn(connection);
        let parent = handle.link().get().match_name("eth0").execute().try_next().await?.ok_or("no eth0")?;
        let link = LinkMacVlan::new("mv0", parent.header.index, MacVlanMode::Bridge).up().build();
        Ok(handle.link().add(link).execute().await?)
    })
}
