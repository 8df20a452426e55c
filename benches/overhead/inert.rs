//! What is left of fault points in a product build: read off the assembly.

use super::crates::Crate;
use std::fs;

/// The same function without points, with points of qtests, and with one of `fail`.
const SOURCE: &str = r#"
#[unsafe(no_mangle)]
pub extern "C" fn without_points(number: u64) -> u64 {
    number.wrapping_mul(3)
}

fn tripled(number: u64) -> Result<u64, qtests::Injected> {
    qtests::fault_point!("tripled", value = number)?;
    qtests::pause_point!("tripled.pause");
    Ok(number.wrapping_mul(3))
}

#[unsafe(no_mangle)]
pub extern "C" fn points_of_qtests(number: u64) -> u64 {
    match tripled(number) {
        Ok(tripled) => tripled,
        Err(injected) => injected.point().len() as u64,
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn points_of_fail(number: u64) -> u64 {
    fail::fail_point!("tripled", |_| 0);
    number.wrapping_mul(3)
}
"#;

/// Compiles the functions without the feature `live` and counts their instructions.
pub(crate) fn measure() {
    let dependencies = "qtests = { path = \"{qtests}\", default-features = false }\nfail = \"0.5\"";
    let product = Crate::new("inert", dependencies);
    product.write("src/lib.rs", SOURCE);
    let emit = format!("--emit=asm={}", product.path("inert.s").display());
    product.cargo(&["rustc", "--quiet", "--release", "--lib", "--", &emit, "-Ccodegen-units=1"]);
    let assembly = fs::read_to_string(product.path("inert.s")).expect("rustc has written the assembly");

    println!("\n## Fault points in a build without `live`\nrelease profile, instructions of a function");
    let count = |name| instructions(&assembly, name).unwrap_or_else(|| panic!("`{name}` is not in the assembly"));
    let (bare, ours, theirs) = (count("without_points"), count("points_of_qtests"), count("points_of_fail"));
    println!("without points {bare}, with a fault_point! and a pause_point! {ours}, with a point of fail {theirs}");
    let added = ours as i64 - bare as i64;
    let verdict = if added <= 0 { "met".to_owned() } else { format!("MISSED by {added}") };
    println!("added by qtests: {added}, budget 0: {verdict}");
}

/// How many instructions a function has.
fn instructions(assembly: &str, name: &str) -> Option<usize> {
    // Functions that became equal are one function with two names.
    let alias = format!("{name} = ");
    if let Some(other) = assembly.lines().find_map(|line| line.strip_prefix(&alias)) {
        return instructions(assembly, other.trim());
    }
    let label = format!("{name}:");
    let mut body = assembly.lines().skip_while(|line| *line != label);
    body.next()?;
    let body = body.take_while(|line| !line.starts_with(".Lfunc_end"));
    Some(body.filter(|line| line.starts_with('\t') && !line.starts_with("\t.")).count())
}
