package devicetest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// lieVar names the lie that a driver or emulator tells in a process of Caught's.
const lieVar = "PENJIRE_DEVICETEST_LIE"

// Lie is the lie that a rig's driver or emulator is to tell; "" is the truth. A
// suite that passes whatever it is given tests nothing: Caught shows that it does
// not.
func Lie() string { return os.Getenv(lieVar) }

// Caught runs this test binary's test of that name again, in a process of its own,
// once for each lie, and fails unless the suite fails there.
func Caught(t *testing.T, test string, lies ...string) {
	t.Helper()
	if len(lies) == 0 {
		t.Fatal("devicetest: got no lie to catch, want at least one")
	}
	for _, lie := range lies {
		t.Run(lie, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+test+"$", "-test.timeout=60s")
			cmd.Env = append(os.Environ(), lieVar+"="+lie)
			out, err := cmd.CombinedOutput()
			if _, failed := err.(*exec.ExitError); !failed || !strings.Contains(string(out), "--- FAIL: "+test) || strings.Contains(string(out), "panic: test timed out") {
				t.Errorf("%s with the lie %q = %v, want it to fail:\n%s", test, lie, err, out)
			}
		})
	}
}
