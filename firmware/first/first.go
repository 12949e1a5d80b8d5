// Package first makes the data partition ready on every start, and on the first one
// takes the set-up that the card was flashed with.
//
// Its steps: the partition is grown to the medium's end; its file system is checked,
// mounted and grown; the folders are made; setup.json is read from the set-up
// partition, made durable in the kiosk's folder and wiped from the card.
//
// Contract: every step may be cut short by a power cut and is done again, or found
// done, at the next start. A file system that cannot be mended is left as it was
// found: nothing is formatted, ever. What was mended is kept beside the data, with a
// file that undoes it.
//
// It is root's, and runs sfdisk, partx, e2fsck, e2undo and resize2fs: their makers
// have met more broken media than we have.
package first

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"github.com/penjire/penjire/firmware/panel"
	ui "github.com/penjire/penjire/ui/panel"
)

// ErrData is wrapped by what keeps the data partition from being used. A person has
// to look; nothing was changed on it.
var ErrData = errors.New("the data partition cannot be used")

// ErrSetup is wrapped by what is wrong with the set-up on the card. The kiosk starts
// without it.
var ErrSetup = errors.New("the set-up on the card cannot be taken")

// Options say where things are. The zero value of Log and Panel works.
type Options struct {
	Data      string // device of the data partition
	Setup     string // device of the set-up partition; it may not be there
	SetupType string // its format; "" is vfat
	DataDir   string // where data is mounted
	SetupDir  string // where the set-up partition is, while it is read
	RunDir    string // a folder in memory
	Stick     string // where a memory stick is mounted, for TakeStick
	Panel     string // folder of the panel's statements; "" is panel.Dir
	UID, GID  int    // of the kiosk's daemon
	Log       *slog.Logger
}

// Outcome is what came of a start.
type Outcome struct {
	Grown    bool // the data partition or its file system
	Mended   bool // errors in it were corrected; what that changed is kept in DataDir/salvage
	Taken    bool // a set-up was taken
	Wiped    bool // one was wiped from the card
	InUse    bool // the kiosk has settings: it is set up
	HasSetup bool // a set-up waits for the enrolment
}

// machine is a start that is going on.
type machine struct {
	o     Options
	out   Outcome
	steps []ui.Step
	who   string // on the panel
	show  ui.Kind
	undo  string // what undoes a repair of this start

	// point is called after everything that lasts; an error ends the start there, as a
	// power cut would. Only tests set it.
	point func(what string) error
}

// Run does all steps. An error that wraps ErrData: the data partition is not
// mounted. One that wraps ErrSetup: all else is well.
func Run(ctx context.Context, o Options) (Outcome, error) {
	return newMachine(o).run(ctx)
}

func newMachine(o Options) *machine {
	if o.SetupType == "" {
		o.SetupType = "vfat"
	}
	if o.Panel == "" {
		o.Panel = panel.Dir
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &machine{o: o, who: "first", show: ui.Starting, point: func(string) error { return nil }}
}

func (m *machine) run(ctx context.Context) (Outcome, error) {
	for _, s := range []string{"medium", "check", "folders", "setup", "card"} {
		m.steps = append(m.steps, ui.Step{Name: s, State: ui.Todo})
	}
	// From here on it is the kernel's own name: udev's come and go while it looks at the
	// medium anew. Where there is none yet, growing says so.
	if own, err := filepath.EvalSymlinks(m.o.Data); err == nil {
		m.o.Data = own
	}
	data := []struct {
		name string
		do   func(context.Context) error
	}{{"medium", m.growPartition}, {"check", m.mount}, {"folders", m.folders}}
	for _, s := range data {
		if err := m.step(s.name, func() error { return s.do(ctx) }); err != nil {
			return m.out, m.failed(err)
		}
	}
	var setup *taken
	err := m.step("setup", func() (err error) { setup, err = m.takeSetup(); return err })
	if err == nil && setup != nil {
		err = m.step("card", setup.wipe)
	} else if err == nil {
		m.mark("card", ui.Done)
	}
	if setup != nil {
		err = errors.Join(err, setup.close())
	}
	return m.out, m.ended(err)
}

// step does one step and tells the panel how it goes.
func (m *machine) step(name string, do func() error) error {
	m.mark(name, ui.Now)
	began := time.Now()
	err := do()
	if err != nil {
		m.mark(name, ui.Failed)
		return err
	}
	m.o.Log.Info("penjire: first", "step", name, "ms", time.Since(began).Milliseconds())
	m.mark(name, ui.Done)
	return nil
}

// mark notes how far a step is. That the panel cannot be told is no reason to stop.
func (m *machine) mark(name string, s ui.State) {
	for i := range m.steps {
		if m.steps[i].Name == name {
			m.steps[i].State = s
		}
	}
	m.tell(panel.Statement{Show: m.show, Steps: m.steps})
}

// tell says how far the start is.
func (m *machine) tell(s panel.Statement) { m.say(m.who, s) }

func (m *machine) say(who string, s panel.Statement) {
	if err := panel.Say(m.o.Panel, who, s); err != nil {
		m.o.Log.Warn("the panel cannot be told", "err", err)
	}
}

func (m *machine) unsay(who string) {
	if err := panel.Unsay(m.o.Panel, who); err != nil {
		m.o.Log.Warn("the panel cannot be told", "err", err)
	}
}

// begins says that this is a first start: people must not switch it off.
func (m *machine) begins() { m.show = ui.First }

// failed tells the panel that there is no data partition.
func (m *machine) failed(err error) error {
	m.o.Log.Error("penjire: first", "data", "unusable", "err", err)
	m.tell(panel.Statement{Show: ui.Data, Detail: []string{"DATA", code(err)}})
	return fmt.Errorf("first: %w: %w", ErrData, err)
}

// look sees whether the kiosk has a set-up, or was set up.
func (m *machine) look() {
	_, err := os.Stat(m.kiosk(settingsFile))
	m.out.InUse = err == nil
	_, err = os.Stat(m.kiosk(setupFile))
	m.out.HasSetup = err == nil
}

// ended tells the panel what comes after these steps.
func (m *machine) ended(err error) error {
	m.look()
	if m.who != setupName { // a stick says nothing new of the medium
		var s panel.Statement
		if m.out.Mended {
			s.Detail = []string{"DATA-MENDED"}
		}
		m.tell(s)
	}
	if setup := m.about(err); reflect.DeepEqual(setup, panel.Statement{}) {
		m.unsay(setupName)
	} else {
		m.say(setupName, setup)
	}
	if err != nil {
		m.o.Log.Error("penjire: first", "setup", "not well", "code", code(err), "err", err)
		err = fmt.Errorf("first: %w: %w", ErrSetup, err)
	}
	m.o.Log.Info("penjire: first", "done", err == nil, "grown", m.out.Grown, "mended", m.out.Mended, "setup", m.out.Taken, "wiped", m.out.Wiped, "in_use", m.out.InUse)
	return err
}

// setupName is this program's on the panel where there is something to say of a
// set-up: the start and each stick say it anew. It comes before "facts": a narrow screen
// cuts off what comes last at its foot, and codes are what a technician is asked for.
const setupName = "card"

// about is what there is to say of the set-up.
func (m *machine) about(err error) (s panel.Statement) {
	none := !m.out.InUse && !m.out.HasSetup // with a set-up the enrolment speaks for itself
	if none {
		s.Show, s.Detail = ui.Setup, []string{"NO-SETUP"}
	}
	if err == nil {
		return s
	}
	s.Detail = []string{"SETUP", code(err)}
	if s.Hint = hints[code(err)]; s.Hint != "" && !none {
		s.Show = ui.Enrol
	}
	return s
}

// fault is an error with a code for the panel's foot.
type fault struct {
	code string
	err  error
}

func (f *fault) Error() string { return f.err.Error() }
func (f *fault) Unwrap() error { return f.err }

func faultf(code, format string, args ...any) error {
	return &fault{code, fmt.Errorf(format, args...)}
}

// code is what the panel's foot says of err.
func code(err error) string {
	if f, ok := errors.AsType[*fault](err); ok {
		return f.code
	}
	return "ERROR"
}
