package devicetest

import (
	"os"
	"testing"
)

// LeftOut ends a test that cannot look here at what it is for: loudly, and with
// PENJIRE_PEERS=require, as in CI, by failing it. What is left out without missing
// program has its line in .ci/peers.
func LeftOut(t testing.TB, what, why string) {
	t.Helper()
	if os.Getenv("PENJIRE_PEERS") == "require" {
		t.Fatalf("%s: %s", what, why)
	}
	t.Skipf("LEFT OUT: %s: %s", what, why)
}
