//! How a call ends when it cannot do what was asked (contract `boxagnts:tool/1`).

pub struct Failure {
    pub exit_code: i32,
    pub sentence: String,
}

pub fn bad_input<T>(sentence: impl Into<String>) -> Result<T, Failure> {
    Err(Failure { exit_code: 2, sentence: sentence.into() })
}

pub fn failed<T>(sentence: impl Into<String>) -> Result<T, Failure> {
    Err(Failure { exit_code: 1, sentence: sentence.into() })
}
