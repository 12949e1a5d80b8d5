// Package registry knows every driver by the name that boards use, and loads
// the devices of a kiosk. One device that cannot be loaded does not keep the
// others from working.
package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/mrzreader"
)

// Want is a device that a board has.
type Want struct {
	Name    string          // of the device on its board
	Driver  string          // one of Names
	Port    string          // path, as the driver needs it; "": the board has the device, this kiosk does not
	Options json.RawMessage // an object with the driver's options; nil: defaults
	// Tap is handed the port, if the driver speaks over a byte line, and returns
	// what it is to open instead: the same, listened to. nil: the port itself.
	Tap func(link.Port) link.Port
}

// State says what became of a Want.
type State int

// The states. A device that is not plugged in is loaded: it may be, any time.
const (
	Loaded  State = 1
	Skipped State = 2 // not wanted on this kiosk; nothing is broken
	Failed  State = 3 // wanted, and Err says why it cannot be
)

// String returns the word for s.
func (s State) String() string {
	switch s {
	case Loaded:
		return "loaded"
	case Skipped:
		return "skipped"
	case Failed:
		return "failed"
	}
	return fmt.Sprintf("State(%d)", int(s))
}

// Result is what became of a Want. Device is set exactly when it was loaded.
type Result struct {
	Want   Want
	State  State
	Device device.Device
	Err    error
}

// ErrNoDriver is a driver name that is not in the registry.
var ErrNoDriver = errors.New("no such driver")

// drivers are all there are.
var drivers = map[string]func(port string, options json.RawMessage) (device.Device, error){
	"pn532-hsu": openPN532,
	"pn532-spi": openPN532OnSPI,
	"pcsc":      openPCSC,
	"crt591":    openCRT591,
	"escpos":    openESCPOS,
	"ccnet":     openCCNET,
	"cctalk":    openCCTalk,
	"modem":     openModem,
	"ipp":       openIPP,
	"sane":      openSANE,
	"v4l2":      openV4L2,

	"gpio-sensor":    openGPIOSensor,
	"firmata-sensor": openFirmataSensor,
	"gpio-lights":    openGPIOLights,
	"firmata-lights": openFirmataLights,
	"leds":           openLEDs,

	"ds3231":      openDS3231,
	"rtc":         openRTC,
	"ina219":      openINA219,
	"gpio-ups":    openGPIOUPS,
	"firmata-ups": openFirmataUPS,
	"thermometer": openThermometer,
	"backlight":   openBacklight,
	"watchdog":    openWatchdog,

	"serialscan": openSerialScan,
	"ssi":        openSSI,
	"gm65":       openGM65,
	"mrzreader":  openMRZReader,
}

// Names returns the names of the drivers, sorted.
func Names() []string {
	var out []string
	for n := range drivers {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// Load opens every device wanted. It waits for none of them.
func Load(wants []Want) []Result {
	out := make([]Result, len(wants))
	for i, w := range wants {
		out[i] = load(w)
	}
	return out
}

func load(w Want) Result {
	fail := func(err error) Result {
		return Result{w, Failed, nil, fmt.Errorf("registry: load device %q with driver %q: %w", w.Name, w.Driver, err)}
	}
	open, ok := drivers[w.Driver]
	if !ok {
		return fail(ErrNoDriver)
	}
	if w.Port == "" {
		return Result{w, Skipped, nil, nil}
	}
	d, err := tapped(w.Tap, func() (device.Device, error) { return open(w.Port, w.Options) })
	if err != nil {
		return fail(err)
	}
	return Result{w, Loaded, d, nil}
}

// Halt halts every device loaded and returns when all have.
func Halt(rs []Result) error {
	var errs []error
	for _, r := range rs {
		if r.State != Loaded {
			continue
		}
		if err := r.Device.Halt(); err != nil {
			errs = append(errs, fmt.Errorf("registry: halt device %q: %w", r.Want.Name, err))
		}
	}
	return errors.Join(errs...)
}

// Reader returns the first card reader among rs, or nil.
func Reader(rs []Result) device.CardReader { return first[device.CardReader](rs) }

// Printer returns the first receipt printer among rs, or nil.
func Printer(rs []Result) device.ReceiptPrinter { return first[device.ReceiptPrinter](rs) }

// CodeScanner returns the first scanner of printed codes among rs, or nil.
func CodeScanner(rs []Result) device.CodeScanner {
	return first[device.CodeScanner](slices.DeleteFunc(slices.Clone(rs), readsZones))
}

// MRZReader returns the first reader of travel documents' zones among rs, or nil.
func MRZReader(rs []Result) device.CodeScanner {
	return first[device.CodeScanner](slices.DeleteFunc(slices.Clone(rs), func(r Result) bool { return !readsZones(r) }))
}

func readsZones(r Result) bool {
	_, ok := r.Device.(*mrzreader.Dev)
	return ok
}

func first[T device.Device](rs []Result) T {
	for _, r := range rs {
		if d, ok := r.Device.(T); ok {
			return d
		}
	}
	var none T
	return none
}
