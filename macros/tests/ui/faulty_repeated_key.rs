use qtests::faulty;

#[faulty(point = "db", point = "database")]
fn query() {}

fn main() {
    query();
}
