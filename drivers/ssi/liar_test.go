package ssi_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/penjire/penjire/drivers/emulator/codescanner"
	"github.com/penjire/penjire/drivers/ssi"
)

// liar makes TestLiar run, in a process of its own: it fails.
const liar = "PENJIRE_SCANNER_LIAR"

// TestLiar drives a scanner that says it has forgotten what it read, and has not.
func TestLiar(t *testing.T) {
	if os.Getenv(liar) == "" {
		t.Log("runs below TestSuiteCanFail")
		return
	}
	kind(codescanner.SSI{NoFlush: true}, ssi.Opts{}).Faked(t)
}

// TestSuiteCanFail: a suite that accepts everything tests nothing.
func TestSuiteCanFail(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLiar$")
	cmd.Env = append(os.Environ(), liar+"=1")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatalf("the suite accepts a scanner that keeps what it read\n%s", out)
	}
	for _, want := range []string{"--- FAIL: TestLiar/gives_nothing_from_before", "Scan after a held code"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("output lacks %q:\n%s", want, out)
		}
	}
}
