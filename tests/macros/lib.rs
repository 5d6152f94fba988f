//! The attributes by which the suites find their tests. Each keeps the function and hands it to `inventory`, so that no list
//! of tests is kept by hand.

use proc_macro::{TokenStream, TokenTree};

/// A test on the running kernel, in a fresh network namespace. The function has the shape `fn() -> Result<(), Skip>` and panics
/// to fail; its name in the suite is `module::function`.
///
/// `#[kernel_test(both)]` is for a function that is generic over a `Twin`: it is run for macvlan and for macvtap, as
/// `module::function::macvlan` and `module::function::macvtap`.
#[proc_macro_attribute]
pub fn kernel_test(arguments: TokenStream, function: TokenStream) -> TokenStream {
    let name = name_of(&function);
    let tests = match arguments.to_string().as_str() {
        "" => test(&name, "", &name),
        "both" => ["MacvlanKind", "MacvtapKind"].map(|kind| test_of(kind, &name)).concat(),
        other => format!("compile_error!({:?});", format!("kernel_test takes nothing, or `both`: not `{other}`")),
    };
    with(function, &tests)
}

/// A function that a test runs in another process: this binary, started again by `roles::start` with the function's name.
#[proc_macro_attribute]
pub fn role(_: TokenStream, function: TokenStream) -> TokenStream {
    let name = name_of(&function);
    let role = format!(
        "::sublink_tests::inventory::submit! {{ ::sublink_tests::roles::Role {{ name: {name:?}, run: {name} }} }}"
    );
    with(function, &role)
}

fn test_of(kind: &str, name: &str) -> String {
    let (kind, trait_) = (format!("crate::twins::{kind}"), "crate::twins::Twin");
    let run = format!("|| {{ <{kind} as {trait_}>::needed()?; {name}::<{kind}>() }}");
    test(name, &format!("<{kind} as {trait_}>::KIND"), &run)
}

fn test(name: &str, kind: &str, run: &str) -> String {
    let kind = if kind.is_empty() { "\"\"" } else { kind };
    format!(
        "::sublink_tests::inventory::submit! {{ ::sublink_tests::KernelTest {{
            module: module_path!(), line: line!(), function: {name:?}, kind: {kind}, run: {run},
        }} }}"
    )
}

/// The identifier behind the first `fn`.
fn name_of(function: &TokenStream) -> String {
    let mut words = function.clone().into_iter().skip_while(|token| token.to_string() != "fn").skip(1);
    match words.next() {
        Some(TokenTree::Ident(name)) => name.to_string(),
        _ => panic!("this attribute is for functions"),
    }
}

fn with(function: TokenStream, registration: &str) -> TokenStream {
    let registration: TokenStream = registration.parse().expect("Rust");
    function.into_iter().chain(registration).collect()
}
