package atmodem_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/emulator/atmodem"
	"github.com/penjire/penjire/drivers/emulator/pty"
)

// TestGammu has gammu, which did not write the emulator, identify the modem, send a
// message over it that needs two parts in UCS-2, and read one that came.
func TestGammu(t *testing.T) {
	path, err := exec.LookPath("gammu")
	if err != nil {
		if os.Getenv("PENJIRE_PEERS") == "require" {
			t.Fatalf("peer gammu is missing: %v (apt-get install gammu)", err)
		}
		t.Skip("LEFT OUT: the peer gammu is not installed; the modem emulator was not checked against it")
	}
	m := atmodem.New()
	dir := t.TempDir()
	port, err := pty.Attach(filepath.Join(dir, "modem"), m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := port.Close(); err != nil {
			t.Errorf("Close = %v, want nil", err)
		}
	})
	rc := filepath.Join(dir, "gammurc")
	if err := os.WriteFile(rc, fmt.Appendf(nil, "[gammu]\ndevice = %s\nconnection = at115200\nlogfile = %s/log\nlogformat = textall\n", port.Path(), dir), 0o600); err != nil {
		t.Fatal(err)
	}
	gammu := func(args ...string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, path, append([]string{"-c", rc}, args...)...)
		cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
		out, err := cmd.CombinedOutput()
		if err != nil {
			log, _ := os.ReadFile(filepath.Join(dir, "log")) // only to say more
			t.Fatalf("gammu %v: %v\n%s\n%s", args, err, out, log)
		}
		return string(out)
	}
	if out := gammu("--identify"); !strings.Contains(out, "SIM800L") || !strings.Contains(out, "860000000000008") {
		t.Errorf("gammu --identify = %s", out)
	}
	text := "Arzaňyz taýýar: şu gün ýygnaň. " + strings.Repeat("Заявка готова. ", 4)
	gammu("sendsms", "TEXT", "+99365123456", "-unicode", "-autolen", "400", "-text", text)
	if got := m.Sent(); len(got) != 1 || got[0].Text != text || got[0].To != "+99365123456" || m.Parts() != 2 {
		t.Errorf("sent by gammu: %q in %d parts, want %q in 2", got, m.Parts(), text)
	}
	if err := m.Deliver("+99361000000", "Salam, ýagdaý nähili?", time.Date(2026, 11, 30, 9, 30, 0, 0, time.UTC), false); err != nil {
		t.Fatal(err)
	}
	if out := gammu("getallsms"); !strings.Contains(out, "Salam, ýagdaý nähili?") || !strings.Contains(out, "+99361000000") {
		t.Errorf("gammu getallsms = %s", out)
	}
}
