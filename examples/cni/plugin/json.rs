//! JSON as Go's decoder reads it, so that whatever the reference plugins accept means the same here: the case of a field's name does
//! not matter, and `null` is as good as no field.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Map, Value};

/// Reads a value, and the structs in it, from JSON.
pub fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, Error> {
    T::deserialize(AnyCase(serde_json::from_slice(json)?))
}

struct AnyCase(Value);

impl<'de> Deserializer<'de> for AnyCase {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(all) => SeqDeserializer::new(all.into_iter().map(AnyCase)).deserialize_any(visitor),
            Value::Object(all) => MapDeserializer::new(all.into_iter().map(|(name, value)| (name, AnyCase(value))))
                .deserialize_any(visitor),
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::Object(all) => Self(Value::Object(renamed(all, fields))).deserialize_any(visitor),
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct seq
        tuple tuple_struct map enum identifier ignored_any
    }
}

impl IntoDeserializer<'_, Error> for AnyCase {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// With the names that the struct has for its fields. A name that is right as it stands wins over one that differs by case.
fn renamed(mut all: Map<String, Value>, fields: &[&str]) -> Map<String, Value> {
    all.retain(|_, value| !value.is_null());
    let exact = |name: &str| fields.contains(&name);
    let others: Vec<_> = all.keys().filter(|name| !exact(name)).cloned().collect();
    for name in others {
        let Some(field) = fields.iter().find(|field| field.eq_ignore_ascii_case(&name)) else { continue };
        let value = all.remove(&name).unwrap_or_default();
        all.entry(*field).or_insert(value);
    }
    all
}
