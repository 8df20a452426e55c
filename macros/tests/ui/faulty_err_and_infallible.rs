use qtests::{Injected, faulty};

#[faulty(err = Injected::from, infallible)]
fn query() -> Result<(), Injected> {
    Ok(())
}

fn main() {
    let _ = query();
}
