// Package thermal reads a temperature that the kernel measures: of a thermal zone
// (the processor), or of a sensor of the hwmon class (in the cabinet).
//
// # Reference
//
// Linux Documentation/driver-api/thermal/sysfs-api.rst (type, temp) and
// Documentation/hwmon/sysfs-interface.rst (name, temp1_input): thousandths of a
// degree Celsius.
package thermal

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/sysattr"
)

// Opts say which sensor. Zero values are the defaults.
type Opts struct {
	// Name is the type of the thermal zone ("cpu-thermal") or the name of the hwmon
	// device ("lm75"): numbers change. "": the first.
	Name string
}

// Dev is a thermometer. It is found anew for each reading.
type Dev struct {
	class string
	o     Opts

	mu     sync.Mutex
	health device.Health
}

var _ device.Thermometer = (*Dev)(nil)

// New returns the thermometer below class, a folder such as /sys/class/thermal or
// /sys/class/hwmon.
func New(class string, o Opts) (*Dev, error) {
	if class == "" {
		return nil, fmt.Errorf("thermal: got no folder for %q", o.Name)
	}
	return &Dev{class: class, o: o, health: device.Starting}, nil
}

// String implements conn.Resource.
func (d *Dev) String() string { return "thermometer " + filepath.Join(d.class, d.o.Name) }

// Halt implements conn.Resource.
func (d *Dev) Halt() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.health = device.Offline
	return nil
}

// Health implements device.Device: what the last reading showed.
func (d *Dev) Health() device.Health {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.health
}

// Celsius implements device.Thermometer.
func (d *Dev) Celsius(ctx context.Context) (float64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v, err := d.celsius(ctx)
	if err != nil {
		err = &device.Error{Dev: d.String(), Op: "measure", SideEffect: device.SideEffectNo, Err: err}
	}
	if d.health != device.Offline {
		d.health = sysattr.HealthOf(err)
	}
	return v, err
}

// What a sensor in a cabinet can measure, in thousandths of a degree; beyond it
// something is broken.
const lowest, highest = -55_000, 150_000

func (d *Dev) celsius(ctx context.Context) (float64, error) {
	if d.health == device.Offline {
		return 0, device.ErrHalted
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	var err error
	for _, attr := range []struct{ name, value string }{{"type", "temp"}, {"name", "temp1_input"}} {
		var dir string
		if dir, err = sysattr.Find(d.class, attr.name, d.o.Name); err != nil {
			continue
		}
		n, err := sysattr.Int(filepath.Join(dir, attr.value), lowest, highest)
		return float64(n) / 1000, err
	}
	return 0, err
}
