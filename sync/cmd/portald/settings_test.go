package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSettings: what is set is kept with who set it, and what is no settings is refused.
func TestSettings(t *testing.T) {
	dir, _ := folder(t)
	file := filepath.Join(t.TempDir(), "set.json")
	do := func(want int, values string, args ...string) string {
		t.Helper()
		if err := os.WriteFile(file, []byte(values), 0o600); err != nil {
			t.Fatal(err)
		}
		var stdout, stderr bytes.Buffer
		if st := run(t.Context(), append([]string{"settings"}, args...), &stdout, &stderr); st != want {
			t.Fatalf("%q: status %d, want %d: %s", args, st, want, stderr.String())
		}
		return stdout.String() + stderr.String()
	}
	do(0, `{"log_level": "info"}`, "set", "-dir", dir, "all", file)
	do(0, `{"log_level": "debug"}`, "set", "-dir", dir, "all", file)
	do(0, `{"night": {"from": "22:00", "to": "06:00"}}`, "set", "-dir", dir, "K-000001", file)
	out := do(0, "", "ls", "-dir", dir)
	for _, want := range []string{"all                2  in force", "all                1  before", "kiosk:K-000001     1  in force", "command: "} {
		if !strings.Contains(out, want) {
			t.Errorf("ls lacks %q:\n%s", want, out)
		}
	}
	if out := do(0, "", "ls", "-dir", dir, "-json"); strings.Count(out, "\n") != 3 || !strings.Contains(out, `"in_force":true`) {
		t.Errorf("ls -json:\n%s", out)
	}
	do(1, `[1]`, "set", "-dir", dir, "all", file)
	do(1, `{}`, "set", "-dir", dir, "a b", file)
	do(2, `{}`, "set", "-dir", dir, "all")
	do(2, `{}`, "unset", "-dir", dir, "all", file)
}
