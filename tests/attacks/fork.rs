//! A socket on both sides of a fork.

use crate::common::{Skip, socket};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};
use sublink::link::DeleteLink;
use sublink::{Batch, ErrorKind, IfIndex, ListLinks};
use sublink_tests::kernel_test;

/// Both sides would give their requests the same numbers, and each would take the other's answers for its own.
#[kernel_test]
pub fn a_socket_is_of_one_process() -> Result<(), Skip> {
    let mut socket = socket();
    let lo = IfIndex::new(1).unwrap();
    // SAFETY: the child calls nothing but the library and _exit; the library takes no lock that another thread could hold.
    #[expect(unsafe_code, reason = "there is no safe fork")]
    let forked = unsafe { fork() }.expect("a fork");
    if let ForkResult::Child = forked {
        let refusals =
            [socket.link_at(lo).map(|_| ()), socket.delete(lo), socket.links(&ListLinks::new()).map(|_| ()), {
                let mut batch = Batch::new();
                batch.push(&DeleteLink::index(lo)).and_then(|_| socket.run(&mut batch))
            }];
        let all = refusals
            .iter()
            .all(|refused| refused.as_ref().is_err_and(|error| matches!(error.kind(), ErrorKind::Forked)));
        // SAFETY: it ends the process.
        #[expect(unsafe_code, reason = "no destructor of the parent's may run here")]
        unsafe {
            nix::libc::_exit(i32::from(!all))
        }
    }
    let ForkResult::Parent { child } = forked else { unreachable!() };
    assert_eq!(waitpid(child, None), Ok(WaitStatus::Exited(child, 0)), "the child was not refused");
    assert_eq!(socket.link_at(lo).unwrap().index(), lo, "the parent's goes on");
    Ok(())
}
