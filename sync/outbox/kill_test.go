package outbox_test

const childEnv = "PENJIRE_OUTBOX_CHILD"

func child(string) int { return 1 }
