//! `net/netns-sysctl.sh`: the sizes of network buffers can be read in a namespace, and not written.

use crate::common::Skip;
use std::fs;
use sublink::Sandbox;
use sublink_tests::kernel_test;

#[kernel_test]
fn sizes_of_buffers_are_the_machines_and_cannot_be_written() -> Result<(), Skip> {
    let pod = Sandbox::create().unwrap();
    for setting in ["rmem_default", "rmem_max", "wmem_default", "wmem_max"] {
        let setting = format!("core/{setting}");
        match pod.sysctl(&setting) {
            // They were not shown in namespaces before Linux 6.12.
            Err(error) => assert!(error.is_not_found() && crate::common::kernel() < (6, 12), "{setting}: {error}"),
            Ok(value) => {
                let machines = fs::read_to_string(format!("/proc/sys/net/{setting}")).ok();
                assert_eq!(machines.as_deref().map(str::trim), Some(value.trim()), "{setting}");
                let error = pod.set_sysctl(&setting, value.trim()).unwrap_err();
                assert!(matches!(error.raw_os_error(), Some(1 | 13 | 30)), "{setting}: {error}"); // EPERM, EACCES, EROFS
            }
        }
    }
    Ok(())
}
