package first

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/penjire/penjire/firmware/enrol"
	"github.com/penjire/penjire/firmware/panel"
	codes "github.com/penjire/penjire/sync/enrol"
	ui "github.com/penjire/penjire/ui/panel"
	"golang.org/x/sys/unix"
)

// setupOf returns the set-up that a card is flashed with, and the secret in it.
func setupOf(t testing.TB, kiosk string) (file, secret string) {
	t.Helper()
	root, err := os.ReadFile("../enrol/testdata/root.pem")
	if err != nil {
		t.Fatal(err)
	}
	s := enrol.Setup{
		Kiosk: kiosk, Portal: enrol.Portal{URL: "wss://portal.example:8443/sync"}, Roots: string(root), Code: codes.NewCode(),
		Network: enrol.Network{Kind: enrol.WiFi, SSID: "Nusga", Password: enrol.Hide("correct horse")},
	}
	b, err := s.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return string(b), s.Code.Written()
}

var errCut = errors.New("the power went")

// start runs a first start; with at > 0 the power goes at that lasting change. It
// returns how many there were.
func (c *card) start(at int) (Outcome, int, error) {
	m := newMachine(c.opts)
	n := 0
	m.point = func(string) error {
		if n++; n == at {
			return errCut
		}
		return nil
	}
	out, err := m.run(c.t.Context())
	return out, n, err
}

// check looks at a card whose first start came to its end.
func (c *card) check(setup, secret string) {
	t := c.t
	t.Helper()
	p, err := find(c.opts.Data)
	if err != nil {
		t.Fatal(err)
	}
	if p.room >= worth || p.start != dataAt {
		t.Errorf("the partition begins at %d and leaves %d sectors", p.start, p.room)
	}
	if b, err := blocks(c.opts.DataDir); err != nil || b*4096 < uint64(p.size)*512*8/10 {
		t.Errorf("the file system has %d blocks (%v), and the partition %d sectors", b, err, p.size)
	}
	for dir, want := range map[string]struct {
		mode os.FileMode
		uid  uint32
	}{"kiosk": {0o700, 800}, "network": {0o700, 0}, "update": {0o750, 800}} {
		st, err := os.Stat(filepath.Join(c.opts.DataDir, dir))
		if err != nil || st.Mode().Perm() != want.mode || st.Sys().(*syscall.Stat_t).Uid != want.uid {
			t.Errorf("folder %s: %v, %v, want mode %v of user %d", dir, st, err, want.mode, want.uid)
		}
	}
	at := filepath.Join(c.opts.DataDir, "kiosk", "setup.json")
	if b, err := os.ReadFile(at); err != nil || string(b) != setup {
		t.Errorf("the set-up is not there as it was: %v", err)
	} else if st, err := os.Stat(at); err != nil || st.Mode().Perm() != 0o600 || st.Sys().(*syscall.Stat_t).Uid != 800 {
		t.Errorf("the set-up: %v, %v, want it readable by user 800 alone", st, err)
	}
	c.eject()
	medium, err := os.ReadFile(c.file)
	if err != nil {
		t.Fatal(err)
	}
	if card := medium[setupAt*512 : (setupAt+setupSize)*512]; bytes.Contains(card, []byte(secret)) || bytes.Contains(card, []byte("correct horse")) {
		t.Error("the set-up's secrets are still on the card")
	}
	if !bytes.Contains(medium[dataAt*512:], []byte(secret)) {
		t.Error("the secret was not found where it must be: this test looks at the wrong place")
	}
	sh(t, "", "sfdisk", "-V", c.file)
	c.insert()
	sh(t, "", "e2fsck", "-f", "-n", c.opts.Data)
}

// TestPowerCuts starts a fresh card, cuts the power after each lasting change and
// starts it again: it always comes to the same end.
func TestPowerCuts(t *testing.T) {
	for _, table := range []string{"gpt", "dos"} {
		setup, secret := setupOf(t, "K-000123")
		c := newCard(t, table, setup)
		fresh, err := os.ReadFile(c.file)
		if err != nil {
			t.Fatal(err)
		}
		c.insert()
		out, points, err := c.start(0)
		if want := (Outcome{Grown: true, Taken: true, Wiped: true, HasSetup: true}); err != nil || out != want {
			t.Fatalf("%s: the first start = %+v, %v, want %+v", table, out, err, want)
		}
		if points < 9 {
			t.Fatalf("%s: %d lasting changes, want them all", table, points)
		}
		c.check(setup, secret)
		if table == "dos" {
			points = 2 // only its table is another one
		}
		for at := 1; at <= points; at++ {
			t.Run(fmt.Sprintf("%s %d", table, at), func(t *testing.T) {
				c.t = t
				c.eject()
				if err := os.WriteFile(c.file, fresh, 0o600); err != nil {
					t.Fatal(err)
				}
				c.insert()
				if _, _, err := c.start(at); !errors.Is(err, errCut) {
					t.Fatalf("start = %v, want the cut", err)
				}
				c.cut()
				c.insert()
				if _, _, err := c.start(0); err != nil {
					t.Fatalf("the next start = %v", err)
				}
				c.check(setup, secret)
				// Once more nothing is left to do.
				out, _, err := c.start(0)
				if want := (Outcome{HasSetup: true}); err != nil || out != want {
					t.Errorf("a further start = %+v, %v, want %+v", out, err, want)
				}
			})
		}
		c.t = t
		c.eject()
	}
}

// TestMended: what a power cut does not do is mended only with the means to undo it.
func TestMended(t *testing.T) {
	setup, _ := setupOf(t, "K-000123")
	c := newCard(t, "gpt", setup)
	c.insert()
	if _, _, err := c.start(0); err != nil {
		t.Fatal(err)
	}
	c.eject()
	c.insert()
	// A block of the table of inodes becomes noise: the folders are lost, their
	// content is found again below lost+found.
	sh(t, "clri <2>\nq\n", "debugfs", "-w", c.opts.Data)
	out, _, err := c.start(0)
	if err != nil || !out.Mended {
		t.Fatalf("start = %+v, %v, want the data mended", out, err)
	}
	logs, err := filepath.Glob(filepath.Join(c.opts.DataDir, "salvage", "*", "data.e2undo*"))
	if err != nil || len(logs) != 2 {
		t.Errorf("salvage holds %q, %v, want what undoes the repair and what was said", logs, err)
	}
	found, err := filepath.Glob(filepath.Join(c.opts.DataDir, "lost+found", "*", "setup.json"))
	if err != nil || len(found) != 1 {
		t.Errorf("lost+found holds %q, %v, want the set-up in what was the kiosk's folder", found, err)
	}
	if s, err := panel.Heard(c.opts.Panel); err != nil || !strings.Contains(strings.Join(s.Detail, " "), "DATA-MENDED") {
		t.Errorf("the panel says %+v, %v, want DATA-MENDED", s, err)
	}
}

// TestBeyondRepair: nothing is changed on a data partition that cannot be mended.
func TestBeyondRepair(t *testing.T) {
	setup, _ := setupOf(t, "K-000123")
	c := newCard(t, "gpt", setup)
	b, err := os.ReadFile(c.file)
	if err != nil {
		t.Fatal(err)
	}
	for i := dataAt*512 + 1024; i < (dataAt+dataSize)*512; i++ {
		b[i] = byte(i * 7)
	}
	if err := os.WriteFile(c.file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	c.insert()
	_, _, err = c.start(0)
	if !errors.Is(err, ErrData) {
		t.Fatalf("start = %v, want ErrData", err)
	}
	s, herr := panel.Heard(c.opts.Panel)
	if herr != nil || s.Show != ui.Data || len(s.Detail) != 2 || !strings.HasPrefix(s.Detail[1], "FSCK-") {
		t.Errorf("the panel says %+v, %v", s, herr)
	}
	c.eject()
	after, err := os.ReadFile(c.file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(after[dataAt*512:(dataAt+dataSize)*512], b[dataAt*512:(dataAt+dataSize)*512]) {
		t.Error("the data partition was changed")
	}
}

// TestSetups: what is wrong with a set-up is said, and it stays on the card.
func TestSetups(t *testing.T) {
	other, _ := setupOf(t, "K-000999")
	for name, v := range map[string]struct {
		setup, settings string
		code            string
	}{
		"none":             {"", "", ""},
		"faulty":           {`{"schema":"penjire-setup/1"}`, "", "FAULTY"},
		"of another kiosk": {other, settingsFor("K-000123"), "OTHER-KIOSK"},
		"settings broken":  {other, `{`, "SETTINGS"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCard(t, "dos", v.setup)
			c.insert()
			if v.settings != "" {
				m := newMachine(c.opts)
				for _, f := range []func() error{
					func() error { return m.growPartition(t.Context()) },
					func() error { return m.mount(t.Context()) },
					func() error { return m.folders(t.Context()) },
				} {
					if err := f(); err != nil {
						t.Fatal(err)
					}
				}
				if err := os.WriteFile(m.kiosk(settingsFile), []byte(v.settings), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			out, _, err := c.start(0)
			if (v.code == "") != (err == nil) || err != nil && (!errors.Is(err, ErrSetup) || code(err) != v.code) {
				t.Errorf("start = %+v, %v, want code %q", out, err, v.code)
			}
			if out.Taken || out.Wiped || out.HasSetup {
				t.Errorf("start = %+v, want nothing taken", out)
			}
			s, err := panel.Heard(c.opts.Panel)
			if err != nil || v.code != "" && !strings.Contains(strings.Join(s.Detail, " "), v.code) {
				t.Errorf("the panel says %+v, %v, want %s", s, err, v.code)
			}
			if v.setup == "" {
				return
			}
			sh(t, "", "mount", c.opts.Setup, c.opts.SetupDir)
			if b, err := os.ReadFile(filepath.Join(c.opts.SetupDir, setupFile)); err != nil || string(b) != v.setup {
				t.Errorf("the card's set-up is %q, %v, want it as it was", b, err)
			}
		})
	}
}

// settingsFor are the settings of a kiosk that is in use.
func settingsFor(kiosk string) string {
	return `{"kiosk": "` + kiosk + `", "board": "vm", "state": "state", "portal": {"url": "wss://portal.example/sync"},
		"identity": {"cert": "i.crt", "key": "i.key"}, "roots": "roots.pem", "trust": "trust.cbor", "catalogue": "catalogue.cbor"}`
}

// TestNameGoes: the name that udev gave the partition is gone while it is grown, as when
// udev looks at a table that the kernel does not know yet. It may not look: the medium is
// locked meanwhile; and if the name goes all the same, the start goes on.
func TestNameGoes(t *testing.T) {
	c := newCard(t, "gpt", "")
	c.insert()
	own := c.opts.Data
	c.opts.Data = filepath.Join(c.dir, "by-partlabel")
	if err := os.Symlink(own, c.opts.Data); err != nil {
		t.Fatal(err)
	}
	lock := func() error {
		f, err := os.Open(c.loop)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		return unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	}
	m := newMachine(c.opts)
	m.point = func(what string) error {
		if what != "table" {
			return nil
		}
		if err := lock(); !errors.Is(err, unix.EWOULDBLOCK) {
			t.Errorf("udev may look at the table now: lock = %v, want it to wait", err)
		}
		return os.Remove(c.opts.Data)
	}
	out, err := m.run(t.Context())
	if want := (Outcome{Grown: true}); err != nil || out != want {
		t.Errorf("start = %+v, %v, want %+v", out, err, want)
	}
	if err := lock(); err != nil {
		t.Errorf("after the start the medium is still locked: %v", err)
	}
}

// TestNoAnswer: a medium that does not answer is not taken for a damaged one, although
// e2fsck has one status for both.
func TestNoAnswer(t *testing.T) {
	needs(t)
	m := newMachine(Options{Data: "/dev/none", DataDir: t.TempDir(), RunDir: t.TempDir(), Panel: filepath.Join(t.TempDir(), "panel")})
	if err := m.open(t.Context()); code(err) != "MEDIUM" {
		t.Errorf("open = %v, want code MEDIUM", err)
	}
}

// TestNoData: no partition, no file system driver, no medium: it says so.
func TestNoData(t *testing.T) {
	for name, dev := range map[string]string{"nothing there": "/dev/none", "no block device": "/dev/null"} {
		o := Options{Data: dev, DataDir: t.TempDir(), Panel: filepath.Join(t.TempDir(), "panel")}
		if _, err := Run(t.Context(), o); !errors.Is(err, ErrData) || code(err) != "NO-PARTITION" {
			t.Errorf("%s: Run = %v, want ErrData with NO-PARTITION", name, err)
		}
	}
}
