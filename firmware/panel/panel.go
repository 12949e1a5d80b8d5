package panel

import (
	"context"
	"fmt"
	"image"
	"log/slog"
	"os"
	"reflect"
	"runtime/debug"
	"time"

	"github.com/penjire/penjire/drivers/evdev"
	"github.com/penjire/penjire/sync/edoc/paper/typeface"
	"github.com/penjire/penjire/ui/panel"
)

// Screen is where pictures go: a framebuffer.
type Screen interface {
	Size(rotation int) image.Point
	Show(img *image.RGBA, r image.Rectangle, rotation int)
}

// Options are what a panel is run with. The zero value of everything but Screen works.
type Options struct {
	Screen   Screen
	Rotation int           // degrees clockwise: 0, 90, 180, 270
	Dir      string        // of the statements; "" is [Dir]
	Page     string        // file that is written anew while a browser paints pages; "": there is none
	Patience time.Duration // after that the screen should have come; 0 is three minutes
	Touches  []*evdev.Device
	Log      *slog.Logger // nil: slog.Default()
}

// anew is how often everything is drawn again: the kernel's console or a compositor
// that died may have drawn over it.
const anew = 15

// covered is for how long a page that was painted hides the panel: browsers say every
// 5 s that they paint.
const covered = 15 * time.Second

// Run shows what is said until ctx ends. What is on the screen then stays.
//
// The panel is visible only while no compositor has the screen. While a browser paints
// on one, it draws nothing and gives its memory back. When nobody says anything and the
// time is over in which a browser should have come, it says that the browser is down.
func Run(ctx context.Context, o Options) error {
	if o.Dir == "" {
		o.Dir = Dir
	}
	if o.Patience == 0 {
		o.Patience = 3 * time.Minute
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	size := o.Screen.Size(o.Rotation)
	s := show{o: o, size: size, quiet: time.Now()}
	if err := s.painter(); err != nil {
		return err
	}
	touched := make(chan struct{}, 1)
	for _, d := range o.Touches {
		go func() {
			err := d.Touches(ctx, func(t evdev.Touch) {
				if !t.Down {
					return
				}
				select {
				case touched <- struct{}{}:
				default:
				}
			})
			if err != nil {
				o.Log.Info("a touch screen went", "err", err)
			}
		}()
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if err := s.draw(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			s.beat++
		case <-touched:
			s.turn()
		}
	}
}

// show is a panel that runs.
type show struct {
	o     Options
	size  image.Point
	p     *panel.Painter // nil while a browser paints
	page  time.Time      // of the page file, as it was last seen
	paint time.Time      // when it was last seen to change
	quiet time.Time      // since when nobody says anything but that the kiosk starts
	beat  int
	shown panel.View // what is on the screen
	small bool       // the languages take turns there
	img   *image.RGBA
	wrong string // what was last wrong with the statements
}

// view is what there is to show now.
func (s *show) view() panel.View {
	h, err := Heard(s.o.Dir)
	if err != nil && err.Error() != s.wrong {
		s.o.Log.Warn("a statement for the panel is not shown", "err", err)
	}
	s.wrong = fmt.Sprint(err)
	v := panel.View{Kind: h.Show, Hint: h.Hint, Steps: h.Steps, Phone: h.Phone, Detail: h.Detail, Developer: h.Developer, Beat: s.beat}
	if v.Kind == "" {
		v.Kind = panel.Starting
	}
	if v.Kind != panel.Starting {
		s.quiet = time.Now()
	} else if time.Since(s.quiet) >= s.o.Patience {
		v.Kind = panel.Browser
	}
	return v
}

func (s *show) painter() (err error) {
	s.p, err = panel.NewPainter(s.size, panel.Fonts{Regular: typeface.Regular, Bold: typeface.Bold, Mono: typeface.Mono})
	return err
}

// hidden reports whether a browser paints.
func (s *show) hidden() bool {
	if s.o.Page == "" {
		return false
	}
	// Only whether it changed counts, for clocks are set.
	if info, err := os.Stat(s.o.Page); err == nil && !info.ModTime().Equal(s.page) {
		s.page, s.paint = info.ModTime(), time.Now()
	}
	return !s.paint.IsZero() && time.Since(s.paint) < covered
}

// rest gives the memory back that pictures take: the browser has a use for it.
func (s *show) rest() {
	s.quiet = time.Now()
	if s.p == nil {
		return
	}
	s.p, s.img = nil, nil
	debug.FreeOSMemory()
}

func (s *show) draw() error {
	if s.hidden() {
		s.rest()
		return nil
	}
	if s.p == nil {
		if err := s.painter(); err != nil {
			return err
		}
	}
	v := s.view()
	same := v
	same.Beat = s.shown.Beat
	turned := s.small && v.Lang() != s.shown.Lang()
	if s.img != nil && !turned && v.Beat%anew != 0 && reflect.DeepEqual(same, s.shown) {
		s.shown = v
		s.o.Screen.Show(s.img, s.p.Beat(s.img, v), s.o.Rotation)
		return nil
	}
	if s.img == nil || v.Kind != s.shown.Kind {
		s.o.Log.Info("penjire: panel", "show", string(v.Kind), "width", s.p.Size().X, "height", s.p.Size().Y)
	}
	s.small = s.p.TakesTurns(v)
	s.img, s.shown = s.p.Draw(v), v
	s.o.Screen.Show(s.img, s.img.Rect, s.o.Rotation)
	return nil
}

// turn goes on to the next language where they take turns.
func (s *show) turn() {
	if s.small {
		s.beat = s.shown.NextTurn()
	}
}
