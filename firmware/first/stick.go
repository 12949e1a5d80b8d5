package first

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/firmware/enrol"
	ui "github.com/penjire/penjire/ui/panel"
)

// TakeStick takes the set-up of a kiosk that has none from the memory stick that is
// mounted at o.Stick, and wipes it from the stick: its one-time code is for one kiosk.
//
// Contract: a kiosk that has settings takes nothing and touches no stick; one that has
// a set-up wipes the same one from a stick, where a power cut kept it from doing so,
// and leaves every other one alone. The set-up is durable in the kiosk's folder before
// it is wiped. What is wrong is said on the panel with a code and what to do; it may be
// called again with another stick. An error that wraps ErrSetup: nothing was taken, or,
// where Outcome.Taken says so, the stick could not be wiped. o.Data and o.Setup are not
// used.
func TakeStick(o Options) (Outcome, error) {
	m := newMachine(o)
	m.who = setupName
	return m.takeStick()
}

func (m *machine) takeStick() (Outcome, error) {
	if on, err := mounted(m.o.DataDir); err != nil || !on {
		return m.out, fmt.Errorf("first: %w: it is not mounted (%v)", ErrData, err)
	}
	if on, err := mounted(m.o.Stick); err != nil || !on {
		return m.out, err // it was pulled out already
	}
	m.look()
	if m.out.InUse {
		return m.out, nil
	}
	for _, s := range []string{"setup", "stick"} {
		m.steps = append(m.steps, ui.Step{Name: s, State: ui.Todo})
	}
	wipe, err := m.fromStick()
	if wipe && err == nil {
		if err = m.step("stick", m.wipeStick); err != nil {
			err = faultf("STICK-KEPT", "%w", err)
		}
	}
	return m.out, m.ended(err)
}

// fromStick makes the stick's set-up the kiosk's, and reports whether it is to be wiped.
func (m *machine) fromStick() (wipe bool, err error) {
	b, err := enrol.ReadFile(m.onStick())
	switch {
	case errors.Is(err, os.ErrNotExist) && m.out.HasSetup:
		return false, nil
	case errors.Is(err, os.ErrNotExist):
		return false, faultf("NONE", "there is no %s on the stick", setupFile)
	case err != nil && m.out.HasSetup:
		return false, nil
	case err != nil:
		return false, faultf("READ", "%w", err)
	}
	s, err := parse(b)
	if m.out.HasSetup {
		return err == nil && m.has(s), nil
	}
	if err != nil {
		return false, err
	}
	m.begins()
	return true, m.step("setup", func() error { return m.keep(s, b) })
}

// has reports whether the kiosk's set-up is s: as its wiping was cut short.
func (m *machine) has(s enrol.Setup) bool {
	b, err := enrol.ReadFile(m.kiosk(setupFile))
	if err != nil {
		return false
	}
	own, err := enrol.ParseSetup(b)
	return err == nil && own.Kiosk == s.Kiosk && own.Portal == s.Portal && own.Code.Written() == s.Code.Written()
}

func (m *machine) onStick() string { return filepath.Join(m.o.Stick, setupFile) }

// wipeStick overwrites the stick's set-up and removes it.
func (m *machine) wipeStick() error {
	if err := m.zero(m.onStick()); err != nil {
		return err
	}
	if err := os.Remove(m.onStick()); err != nil {
		return fmt.Errorf("wipe the set-up from the stick: %w", err)
	}
	if err := flush(m.o.Stick); err != nil {
		return fmt.Errorf("wipe the set-up from the stick: %w", err)
	}
	m.out.Wiped = true
	return m.point("wiped")
}

// flush has the medium at dir keep everything.
func flush(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(d.Fd())), d.Close())
}
