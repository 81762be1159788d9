//! Starts of a unit, as they are saved.

/// `InvocationID` as 32 hexadecimal digits; what is none is unknown.
pub(super) mod hexadecimal {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::sample::Invocation;

    #[expect(clippy::ref_option, reason = "serde asks for it")]
    pub fn serialize<S: Serializer>(
        invocation: &Option<Invocation>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match invocation {
            Some(invocation) => serializer.collect_str(invocation),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Invocation>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        Ok(text.as_deref().and_then(Invocation::parse))
    }
}
