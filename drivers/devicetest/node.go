package devicetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Node returns a command that runs node in the folder where .ci/peers puts what
// it fetches from npm.
func Node(t *testing.T, pkg string, args ...string) *exec.Cmd {
	t.Helper()
	left := func(why error) {
		if os.Getenv("PENJIRE_PEERS") == "require" {
			t.Fatalf("peer %s is missing: %v (.ci/peers fetches it)", pkg, why)
		}
		t.Skipf("LEFT OUT: the peer %s is not installed", pkg)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		left(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		left(err)
	}
	dir := filepath.Join(cache, "penjire", "npm")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", pkg)); err != nil {
		left(err)
	}
	c := exec.CommandContext(t.Context(), node, args...)
	c.Dir = dir
	return c
}
