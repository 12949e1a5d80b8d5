package ipp

import (
	"errors"
	"slices"
	"testing"

	"github.com/OpenPrinting/goipp"

	"github.com/penjire/penjire/drivers/device"
)

// TestReasons: printer-state-reasons in XFS4IoT's words.
func TestReasons(t *testing.T) {
	a4, letter := []string{"iso_a4_210x297mm"}, []string{"na_letter_8.5x11in"}
	for name, v := range map[string]struct {
		state   int
		ready   []string // nil: it does not say
		reasons []string
		paper   device.Paper
		cover   device.Cover
		health  device.Health
		problem error
	}{
		"nothing":                   {3, a4, []string{"none"}, device.PaperFull, device.CoverClosed, device.Online, nil},
		"printing":                  {4, a4, []string{"none"}, device.PaperFull, device.CoverClosed, device.Online, nil},
		"a tray without a name":     {3, nil, []string{"none"}, device.PaperFull, device.CoverClosed, device.Online, nil},
		"no paper, no severity":     {5, nil, []string{"media-needed"}, device.PaperOut, device.CoverClosed, device.UserError, device.ErrNoPaper},
		"no paper, report":          {3, []string{}, []string{"media-empty-report"}, device.PaperOut, device.CoverClosed, device.UserError, device.ErrNoPaper},
		"a tray is empty":           {3, a4, []string{"media-empty-warning"}, device.PaperOut, device.CoverClosed, device.UserError, device.ErrNoPaper},
		"letter only":               {3, letter, []string{"none"}, device.PaperOut, device.CoverClosed, device.UserError, device.ErrNoPaper},
		"low":                       {3, a4, []string{"media-low-warning", "toner-low"}, device.PaperLow, device.CoverClosed, device.Online, nil},
		"jam":                       {5, a4, []string{"media-jam-error"}, device.PaperJammed, device.CoverClosed, device.UserError, device.ErrPaperJam},
		"jam behind a door":         {5, a4, []string{"media-jam-error", "door-open-report"}, device.PaperJammed, device.CoverOpen, device.UserError, device.ErrCoverOpen},
		"no toner":                  {5, a4, []string{"marker-supply-empty-error"}, device.PaperFull, device.CoverClosed, device.UserError, device.ErrNoToner},
		"waste box nearly full":     {3, a4, []string{"marker-waste-almost-full-warning"}, device.PaperFull, device.CoverClosed, device.Online, nil},
		"fuser":                     {5, a4, []string{"fuser-over-temp-error"}, device.PaperFull, device.CoverClosed, device.HardwareError, errNotReady},
		"stopped and no word of it": {5, a4, []string{"none"}, device.PaperFull, device.CoverClosed, device.HardwareError, errNotReady},
		"stopped, no tray, no word": {5, nil, []string{"none"}, device.PaperUnknown, device.CoverClosed, device.HardwareError, errNotReady},
		"paused":                    {5, a4, []string{"paused"}, device.PaperFull, device.CoverClosed, device.Offline, errNotReady},
		"spool full":                {4, a4, []string{"spool-area-full"}, device.PaperFull, device.CoverClosed, device.Busy, device.ErrBusy},
		"output full":               {5, a4, []string{"output-area-full-error"}, device.PaperFull, device.CoverClosed, device.UserError, errNotReady},
		"a word nobody knows":       {3, a4, []string{"vendor-mood-report"}, device.PaperFull, device.CoverClosed, device.Online, nil},
	} {
		p := &printer{state: v.state, accepting: true, readySaid: v.ready != nil, ready: v.ready, reasons: v.reasons}
		if m := p.media(false); m.Paper != v.paper || m.Cover != v.cover {
			t.Errorf("%s: media = %v, want %s, %s", name, m, v.paper, v.cover)
		}
		if h := p.health(false); h != v.health {
			t.Errorf("%s: health = %s, want %s", name, h, v.health)
		}
		if err := p.problem(false); !errors.Is(err, v.problem) {
			t.Errorf("%s: problem = %v, want %v", name, err, v.problem)
		}
	}
	other := &printer{state: stateIdle, accepting: true, readySaid: true, ready: a4, a4Tray: true, reasons: []string{"media-empty-warning"}}
	if m := other.media(false); m.Paper != device.PaperLow || other.problem(false) != nil {
		t.Errorf("another tray is empty: media = %v, %v, want low", m, other.problem(false))
	}
	p := &printer{state: stateIdle, accepting: true, readySaid: true, ready: letter}
	if err := p.problem(true); err != nil {
		t.Errorf("letter only, any media: problem = %v, want nil", err)
	}
	if p.accepting = false; p.health(true) != device.Offline {
		t.Errorf("not accepting jobs: health = %s, want offline", p.health(true))
	}
}

// TestPrinterSupply has what ippeveprinter of CUPS 2.4.2 says.
func TestPrinterSupply(t *testing.T) {
	a := goipp.Attributes{
		goipp.MakeAttr("printer-supply", goipp.TagString,
			goipp.Binary("index=1;class=receptacleThatIsFilled;type=wasteToner;unit=percent;maxcapacity=100;level=25;colorantname=unknown;"),
			goipp.Binary("index=2;class=supplyThatIsConsumed;type=toner;unit=percent;maxcapacity=100;level=75;colorantname=black;"),
			goipp.Binary("index=3;class=supplyThatIsConsumed;type=toner;maxcapacity=8000;level=240;"),
			goipp.Binary("index=4;class=supplyThatIsConsumed;type=fuser;maxcapacity=-2;level=-3;"),
			goipp.Binary("level=;;=;"),
		),
		goipp.MakeAttr("printer-supply-description", goipp.TagText, goipp.String("Toner Waste Tank"), goipp.String("Black Toner")),
	}
	want := []device.Supply{
		{Name: "Toner Waste Tank", Percent: 75, State: device.TonerFull},
		{Name: "Black Toner", Percent: 75, State: device.TonerFull},
		{Name: "toner", Percent: 3, State: device.TonerLow},
		{Name: "fuser", Percent: -1, State: device.TonerUnknown},
		{Name: "", Percent: -1, State: device.TonerUnknown},
	}
	if got := readSupplies(a); !slices.Equal(got, want) {
		t.Errorf("readSupplies = %v, want %v", got, want)
	}
}

func TestAddresses(t *testing.T) {
	for uri, want := range map[string]address{
		"ipp://printer/ipp/print":          {"http://printer:631/ipp/print", "ipp://printer:631/ipp/print", false},
		"ipps://printer:8443/ipp/print/p1": {"https://printer:8443/ipp/print/p1", "ipps://printer:8443/ipp/print/p1", true},
		"http://localhost:60000/ipp/print": {"http://localhost:60000/ipp/print", "ipp://localhost:60000/ipp/print", false},
		"https://printer":                  {"https://printer:443/ipp/print", "ipps://printer:443/ipp/print", true},
		"ipp://[fe80::1]/ipp/print":        {"http://[fe80::1]:631/ipp/print", "ipp://[fe80::1]:631/ipp/print", false},
		"lpd://printer/queue":              {},
		"/dev/usb/lp0":                     {},
		"ipp:///ipp/print":                 {},
		"ipp://someone:secret@printer/":    {},
	} {
		if got, err := parse(uri); got != want || (err == nil) != (want.http != "") {
			t.Errorf("parse(%q) = %+v, %v, want %+v", uri, got, err, want)
		}
	}
}

// FuzzAnswer reads anything as an answer and as what answers are made of.
func FuzzAnswer(f *testing.F) {
	m := goipp.NewResponse(goipp.MakeVersion(2, 0), goipp.StatusOk, 7)
	m.Operation.Add(goipp.MakeAttribute("attributes-charset", goipp.TagCharset, goipp.String("utf-8")))
	m.Printer.Add(goipp.MakeAttribute("printer-state", goipp.TagEnum, goipp.Integer(3)))
	m.Printer.Add(goipp.MakeAttr("marker-names", goipp.TagName, goipp.String("a"), goipp.String("b")))
	m.Printer.Add(goipp.MakeAttr("marker-levels", goipp.TagInteger, goipp.Integer(-3), goipp.Integer(101)))
	m.Printer.Add(goipp.MakeAttribute("media-ready", goipp.TagNoValue, goipp.Void{}))
	m.Printer.Add(goipp.MakeAttribute("printer-supply", goipp.TagString, goipp.Binary("type=toner;level=1;maxcapacity=2")))
	m.Job.Add(goipp.MakeAttribute("job-id", goipp.TagInteger, goipp.Integer(1)))
	m.Job.Add(goipp.MakeAttribute("job-state", goipp.TagEnum, goipp.Integer(9)))
	m.Job.Add(goipp.MakeAttrCollection("media-col", goipp.MakeAttribute("x", goipp.TagInteger, goipp.Integer(1))))
	b, err := m.EncodeBytes()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)/2])
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decode(b, 7)
		if err != nil {
			return
		}
		if p, err := readPrinter(m); err == nil {
			p.health(false)
			_ = p.problem(true) // it must only not panic
			for _, s := range p.supplies {
				if s.Percent < -1 || s.Percent > 100 || s.Percent < 0 && s.State != device.TonerUnknown {
					t.Errorf("supply %+v", s)
				}
			}
		}
		if j, err := readJob(m.Job); err == nil && (j.ID < 1 || j.State == "") {
			t.Errorf("job %+v", j)
		}
	})
}
