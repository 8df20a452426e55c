use qtests::faulty;

#[faulty]
fn place(#[key] (order, _): (u64, u64)) -> u64 {
    order
}

fn main() {
    place((1, 2));
}
