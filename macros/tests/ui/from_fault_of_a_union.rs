use qtests::FromFault;

#[derive(FromFault)]
union ShopError {
    number: u32,
}

fn main() {}
