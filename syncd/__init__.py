"""syncd keeps OKRs true."""
