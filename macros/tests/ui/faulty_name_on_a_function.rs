use qtests::faulty;

#[faulty(name = "db.query")]
fn query() {}

fn main() {
    query();
}
