use sublink::{IfName, MacvlanMode, NewLink, Result, Socket};

fn main() -> Result<()> {
    let mut host = Socket::open()?;
    let parent = host.index_of("eth0")?;
    let index = host.create(&NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(IfName::new("mv0")?).up())?;
    println!("{index}");
    Ok(())
}
