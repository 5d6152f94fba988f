//! Options of a configuration, given to a request.

/// The method `maybe` of a request type.
macro_rules! maybe {
    () => {
        /// Gives `value` to `setter` if there is one; otherwise nothing changes.
        ///
        /// ```
        /// use sublink::{IfIndex, IfName, NewLink};
        /// let (mtu, name) = (Some(1400), None); // read from a configuration
        /// let link = NewLink::macvlan(IfIndex::new(2)?).maybe(mtu, NewLink::mtu).maybe(name, NewLink::name);
        /// assert_eq!(link, NewLink::macvlan(IfIndex::new(2)?).mtu(1400));
        /// # Ok::<(), sublink::value::InvalidValue>(())
        /// ```
        #[must_use]
        pub fn maybe<T>(self, value: Option<T>, setter: impl FnOnce(Self, T) -> Self) -> Self {
            match value {
                Some(value) => setter(self, value),
                None => self,
            }
        }
    };
}
pub(crate) use maybe;
