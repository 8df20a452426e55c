use qtests::faulty;

#[faulty(point = "db query")]
fn query() {}

fn main() {
    query();
}
