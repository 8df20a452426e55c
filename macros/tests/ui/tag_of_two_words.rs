use qtests::qtest;

#[qtest(tags("slow", "needs a database"))]
fn t() {}

fn main() {}
