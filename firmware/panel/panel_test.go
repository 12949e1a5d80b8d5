package panel_test

import (
	"context"
	"image"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/drivers/framebuffer"
	"github.com/penjire/penjire/firmware/panel"
	ui "github.com/penjire/penjire/ui/panel"
)

// log collects what the panel says of itself.
type log struct{ strings.Builder }

func (l *log) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// screen is a display in a file.
func screen(t *testing.T, w, h int) *framebuffer.Screen {
	t.Helper()
	s, err := framebuffer.OpenFile(filepath.Join(t.TempDir(), "fb"), framebuffer.RGB565.Sized(w, h))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestRun follows a first start on an upright display: start, steps, trouble, and the
// patience that ends.
func TestRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "panel")
	s := screen(t, 800, 480)
	var l log
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- panel.Run(ctx, panel.Options{Screen: s, Rotation: 90, Dir: dir, Patience: time.Minute, Log: l.logger()})
		}()
		look := func(want ui.Kind) *image.RGBA {
			t.Helper()
			time.Sleep(1500 * time.Millisecond) // of the bubble
			synctest.Wait()
			if !strings.HasSuffix(strings.TrimSpace(l.String()), "show="+string(want)+" width=480 height=800") {
				t.Errorf("the log says\n%swant show=%s of 480 × 800", l.String(), want)
			}
			return s.Picture()
		}
		first := look(ui.Starting)
		if first.RGBAAt(799, 0) == first.RGBAAt(0, 0) {
			t.Error("nothing is drawn, or it is not turned: the head is at the right edge then")
		}
		if err := panel.Say(dir, "first", panel.Statement{Show: ui.First, Steps: []ui.Step{{Name: "check", State: ui.Now}}}); err != nil {
			t.Fatal(err)
		}
		steps := look(ui.First)
		if slices.Equal(steps.Pix, first.Pix) {
			t.Error("the steps look like the start")
		}
		if err := panel.Say(dir, "data", panel.Statement{Show: ui.Data, Phone: "+993 12 94-00-11"}); err != nil {
			t.Fatal(err)
		}
		look(ui.Data)
		for _, who := range []string{"first", "data", "data"} {
			if err := panel.Unsay(dir, who); err != nil {
				t.Fatal(err)
			}
		}
		look(ui.Starting)
		time.Sleep(time.Minute)
		look(ui.Browser)
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
}

// TestCovered has a browser paint, and stop: while it does the panel draws nothing, and
// afterwards it says what is said.
func TestCovered(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "page")
	s := screen(t, 480, 800)
	var l log
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- panel.Run(ctx, panel.Options{Screen: s, Dir: filepath.Join(dir, "panel"), Page: page, Log: l.logger()})
		}()
		paint := func() {
			t.Helper()
			if err := os.WriteFile(page, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(page, time.Now(), time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		pass := func(d time.Duration) []byte {
			time.Sleep(d) // of the bubble
			synctest.Wait()
			return s.Picture().Pix
		}
		if a, b := pass(1500*time.Millisecond), pass(time.Second); slices.Equal(a, b) {
			t.Error("nothing paints, and the sign of life stands still")
		}
		paint()
		before := pass(1500 * time.Millisecond)
		for range 5 * 60 / 5 { // longer than the panel's patience
			paint()
			if !slices.Equal(pass(5*time.Second), before) {
				t.Fatal("it draws while a browser paints")
			}
		}
		if slices.Equal(pass(20*time.Second), before) || !strings.Contains(l.String(), "show=starting") {
			t.Error("it draws nothing after the browser has stopped")
		}
		if strings.Contains(l.String(), "show=browser") {
			t.Error("it said that the browser is down right after that painted")
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
}

func TestHeard(t *testing.T) {
	dir := t.TempDir()
	say := func(who string, s panel.Statement) {
		t.Helper()
		if err := panel.Say(dir, who, s); err != nil {
			t.Fatal(err)
		}
	}
	say("update", panel.Statement{Show: ui.Updating, Steps: []ui.Step{{Name: "install", State: ui.Now}}, Detail: []string{"1.4.2"}})
	say("kiosk", panel.Statement{Phone: "112", Detail: []string{"K-000001", "1.4.2"}})
	say("screen", panel.Statement{Show: ui.Browser})
	say("facts", panel.Statement{Developer: true})
	got, err := panel.Heard(dir)
	if err != nil || !got.Developer || got.Show != ui.Updating || got.Phone != "112" || len(got.Steps) != 1 || strings.Join(got.Detail, " ") != "K-000001 1.4.2" {
		t.Errorf("Heard = %+v, %v", got, err)
	}
	// What cannot be read hides nothing else.
	if err := os.WriteFile(filepath.Join(dir, "bad.json"), []byte(`{"show":"party"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := panel.Heard(dir); err == nil || got.Show != ui.Updating {
		t.Errorf("Heard = %+v, %v, want the update and an error", got, err)
	}
	if got, err := panel.Heard(filepath.Join(dir, "none")); err != nil || got.Show != "" {
		t.Errorf("Heard of no folder = %+v, %v, want nothing", got, err)
	}
}

func TestBadStatements(t *testing.T) {
	for _, s := range []panel.Statement{
		{Show: "party"},
		{Steps: []ui.Step{{Name: "dance", State: ui.Now}}},
		{Steps: []ui.Step{{Name: "check", State: "perhaps"}}},
		{Steps: make([]ui.Step, 9)},
		{Phone: "call me"},
		{Detail: []string{"ýok"}},
		{Detail: []string{strings.Repeat("x", 41)}},
	} {
		if err := panel.Say(t.TempDir(), "x", s); err == nil {
			t.Errorf("Say(%+v) = nil, want an error", s)
		}
	}
	if err := panel.Say(t.TempDir(), "../x", panel.Statement{}); err == nil {
		t.Error("Say by ../x = nil, want an error")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"show":"first","steps":[{"name":"check","state":"now"}],"phone":"+993 12 94-00-11","detail":["K-000001"]}`))
	f.Add([]byte(`{"show":"first"} {}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := panel.Parse(b)
		if err == nil && s.Check() != nil {
			t.Errorf("Parse took %q: %v", b, s.Check())
		}
	})
}
