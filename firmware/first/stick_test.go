package first

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/firmware/panel"
	ui "github.com/penjire/penjire/ui/panel"
)

// memoryStick is a stick of the real kernel's, in a file behind a loop device.
type memoryStick struct {
	c    *card
	file string
}

// stick puts a stick with that setup.json into the kiosk; "": it has none.
func (c *card) stick(setup string) *memoryStick {
	c.t.Helper()
	s := &memoryStick{c: c, file: filepath.Join(c.t.TempDir(), "stick")}
	content := c.t.TempDir()
	if setup != "" {
		if err := os.WriteFile(filepath.Join(content, setupFile), []byte(setup), 0o644); err != nil {
			c.t.Fatal(err)
		}
	}
	if c.setup == "vfat" {
		sh(c.t, "", "mkfs.vfat", "-C", s.file, "8192")
		if setup != "" {
			sh(c.t, "", "mcopy", "-i", s.file, filepath.Join(content, setupFile), "::")
		}
	} else {
		sh(c.t, "", "mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", content, s.file, "8192k")
	}
	s.in("sync")
	c.t.Cleanup(s.out)
	return s
}

func (s *memoryStick) in(options string) {
	s.c.t.Helper()
	s.c.opts.Stick = filepath.Join(s.c.dir, "stick")
	if err := os.MkdirAll(s.c.opts.Stick, 0o700); err != nil {
		s.c.t.Fatal(err)
	}
	sh(s.c.t, "", "mount", "-o", "loop,"+options, s.file, s.c.opts.Stick)
}

// out pulls the stick out.
func (s *memoryStick) out() {
	if on, err := mounted(s.c.opts.Stick); err == nil && on {
		_ = unix.Unmount(s.c.opts.Stick, unix.MNT_DETACH)
	}
}

// holds reports whether those bytes are anywhere on it.
func (s *memoryStick) holds(text string) bool {
	s.c.t.Helper()
	sh(s.c.t, "", "sync", "-f", s.c.opts.Stick)
	b, err := os.ReadFile(s.file)
	if err != nil {
		s.c.t.Fatal(err)
	}
	return strings.Contains(string(b), text)
}

// cutAt takes the stick with the power going at that lasting change; 0: it does not.
func (c *card) cutAt(at int) (Outcome, int, error) {
	m := newMachine(c.opts)
	m.who = setupName
	n := 0
	m.point = func(string) error {
		if n++; n == at {
			return errCut
		}
		return nil
	}
	out, err := m.takeStick()
	return out, n, err
}

// aKiosk has no set-up, and says so on its panel.
func aKiosk(t *testing.T) *card {
	t.Helper()
	c := newCard(t, "dos", "")
	c.insert()
	if _, _, err := c.start(0); err != nil {
		t.Fatal(err)
	}
	c.says(ui.Setup, "", "NO-SETUP")
	return c
}

func (c *card) says(show ui.Kind, hint ui.Hint, detail ...string) {
	c.t.Helper()
	s, err := panel.Heard(c.opts.Panel)
	if err != nil || s.Show != show || s.Hint != hint || !slices.Equal(s.Detail, detail) {
		c.t.Errorf("the panel says %+v, %v, want %q with hint %q and %q", s, err, show, hint, detail)
	}
}

// TestStick puts one stick after the other into a kiosk without a set-up: what is
// wrong is said, and changed on none; the right one is taken and wiped, and after it
// none is touched.
func TestStick(t *testing.T) {
	c := aKiosk(t)
	setup, secret := setupOf(t, "K-000123")
	for _, v := range []struct {
		name, content string
		code          string
		hint          ui.Hint
	}{
		{"none", "", "NONE", ui.NoFile},
		{"half", setup[:len(setup)/2], "CUT", ui.CutOff},
		{"all but the last", setup[:len(setup)-3], "CUT", ui.CutOff},
		{"zeros", strings.Repeat("\x00", 900), "CUT", ui.CutOff},
		{"half, then zeros", setup[:512] + strings.Repeat("\x00", 900), "CUT", ui.CutOff},
		{"too large", setup + strings.Repeat(" ", 64<<10), "LARGE", ui.TooLarge},
		{"another program's", `{"name": "left-pad", "version": "1.3.0"}`, "FOREIGN", ui.Foreign},
		{"no JSON", "[network]\nssid=Nusga\n", "FAULTY", ui.Faulty},
		{"newer", strings.Replace(setup, "penjire-setup/1", "penjire-setup/2", 1), "VERSION", ui.OtherVersion},
		{"a mistake", strings.Replace(setup, "wss://", "http://", 1), "FAULTY", ui.Faulty},
	} {
		s := c.stick(v.content)
		out, err := TakeStick(c.opts)
		if !errors.Is(err, ErrSetup) || code(err) != v.code || out.Taken || out.Wiped || out.HasSetup {
			t.Errorf("%s: TakeStick = %+v, %v, want %s", v.name, out, err, v.code)
		}
		c.says(ui.Setup, v.hint, "SETUP", v.code)
		if b, err := os.ReadFile(filepath.Join(c.opts.Stick, setupFile)); v.content != "" && (err != nil || string(b) != v.content) {
			t.Errorf("%s: the stick was changed: %v", v.name, err)
		}
		s.out()
	}
	s := c.stick("")
	if err := os.Symlink(filepath.Join(c.dir, "elsewhere"), filepath.Join(c.opts.Stick, setupFile)); err == nil { // a FAT has none
		if _, err := TakeStick(c.opts); code(err) != "READ" {
			t.Errorf("a link = %v, want READ", err)
		}
	}
	s.out()

	s = c.stick(setup)
	if !s.holds(secret) {
		t.Fatal("the secret is not where it must be: this test looks at the wrong place")
	}
	out, err := TakeStick(c.opts)
	if want := (Outcome{Taken: true, Wiped: true, HasSetup: true}); err != nil || out != want {
		t.Fatalf("TakeStick = %+v, %v, want %+v", out, err, want)
	}
	c.says("", "")
	c.kept(setup)
	if s.holds(secret) || s.holds("correct horse") {
		t.Error("the set-up's secrets are still on the stick")
	}
	s.out()
	// What is on the way to be enrolled or is in use takes nothing more.
	other, _ := setupOf(t, "K-000999")
	for _, inUse := range []bool{false, true} {
		if inUse {
			if err := os.WriteFile(filepath.Join(c.opts.DataDir, "kiosk", settingsFile), []byte(settingsFor("K-000123")), 0o600); err != nil {
				t.Fatal(err)
			}
			other = setup // the same again: a technician carries it for the next board
		}
		s := c.stick(other)
		if out, err := TakeStick(c.opts); err != nil || out.Taken || out.Wiped {
			t.Errorf("in use %v: TakeStick = %+v, %v, want nothing done", inUse, out, err)
		}
		if b, err := os.ReadFile(filepath.Join(c.opts.Stick, setupFile)); err != nil || string(b) != other {
			t.Errorf("in use %v: the stick was changed: %v", inUse, err)
		}
		s.out()
		c.kept(setup)
		c.says("", "")
	}
	if out, err := TakeStick(c.opts); err != nil || out != (Outcome{}) {
		t.Errorf("TakeStick without one = %+v, %v, want nothing", out, err)
	}
	c.eject()
	if _, err := TakeStick(c.opts); !errors.Is(err, ErrData) {
		t.Errorf("TakeStick without a data partition = %v, want ErrData", err)
	}
}

// kept wants the set-up in the kiosk's folder, for the daemon alone.
func (c *card) kept(setup string) {
	c.t.Helper()
	at := filepath.Join(c.opts.DataDir, "kiosk", setupFile)
	b, err := os.ReadFile(at)
	if err != nil || string(b) != setup {
		c.t.Errorf("the set-up is not there as it was: %v", err)
	}
	if st, err := os.Stat(at); err != nil || st.Mode().Perm() != 0o600 {
		c.t.Errorf("the set-up: %v, %v, want it readable by one user", st, err)
	}
}

// TestStickReadOnly: a stick that cannot be written to gives its set-up, and it is said
// that the one-time code is still on it.
func TestStickReadOnly(t *testing.T) {
	c := aKiosk(t)
	setup, secret := setupOf(t, "K-000123")
	s := c.stick(setup)
	s.out()
	s.in("ro")
	out, err := TakeStick(c.opts)
	if want := (Outcome{Taken: true, HasSetup: true}); !errors.Is(err, ErrSetup) || code(err) != "STICK-KEPT" || out != want {
		t.Errorf("TakeStick = %+v, %v, want %+v and STICK-KEPT", out, err, want)
	}
	c.kept(setup)
	c.says(ui.Enrol, ui.NotWiped, "SETUP", "STICK-KEPT")
	// Put in again where it can be written, it is wiped, and nothing more is said of it.
	s.out()
	s.in("sync")
	if out, err := TakeStick(c.opts); err != nil || !out.Wiped || out.Taken {
		t.Errorf("TakeStick again = %+v, %v, want it wiped", out, err)
	}
	c.says("", "")
	if s.holds(secret) {
		t.Error("the secret is still on the stick")
	}
}

// TestStickPowerCuts: the power goes after each lasting change; with the stick still in
// the next start comes to the same end.
func TestStickPowerCuts(t *testing.T) {
	setup, secret := setupOf(t, "K-000123")
	for at := 1; at <= 3; at++ {
		c := aKiosk(t)
		s := c.stick(setup)
		if _, _, err := c.cutAt(at); !errors.Is(err, errCut) {
			t.Fatalf("at %d: the cut = %v", at, err)
		}
		s.out()
		c.cut()
		c.insert()
		s.in("sync")
		if _, _, err := c.start(0); err != nil {
			t.Fatal(err)
		}
		out, n, err := c.cutAt(0)
		if err != nil || !out.HasSetup || n > 3 {
			t.Errorf("at %d: the next start = %+v, %v", at, out, err)
		}
		c.kept(setup)
		if s.holds(secret) {
			t.Errorf("at %d: the secret is still on the stick", at)
		}
		s.out()
		c.eject()
	}
}
