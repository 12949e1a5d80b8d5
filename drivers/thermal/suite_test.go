package thermal_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/thermal"
)

// zone is a thermometer's folder as the kernel shows it.
type zone struct {
	t          *testing.T
	dir        string
	attr, name string
	value      string
}

func (z zone) write(name, v string) {
	if err := os.WriteFile(filepath.Join(z.dir, name), []byte(v+"\n"), 0o600); err != nil {
		z.t.Error(err)
	}
}

func (z zone) Heat(c float64) { z.write(z.value, strconv.Itoa(int(c*1000))) }
func (z zone) Garble()        { z.write(z.value, "2147483647") }

func (z zone) Unplug() {
	if err := os.RemoveAll(z.dir); err != nil {
		z.t.Error(err)
	}
}

func (z zone) Replug() {
	if err := os.MkdirAll(z.dir, 0o700); err != nil {
		z.t.Error(err)
	}
	z.write(z.attr, z.name)
	z.Heat(20)
}

// rig puts another thermometer before the one that is wanted.
func rig(t *testing.T, attr, value, name string) devicetest.ThermometerRig {
	class := t.TempDir()
	zone{t, filepath.Join(class, "0"), attr, "other", value}.Replug()
	z := zone{t, filepath.Join(class, "1"), attr, name, value}
	z.Replug()
	d, err := thermal.New(class, thermal.Opts{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	r := devicetest.ThermometerRig{Dev: d, Hands: z}
	if devicetest.Lie() != "" {
		r.Dev = liar{d}
	}
	return r
}

func TestSuite(t *testing.T) {
	devicetest.Thermometer(t, func(t *testing.T) devicetest.ThermometerRig { return rig(t, "type", "temp", "cpu-thermal") })
}

func TestSuiteOfHwmon(t *testing.T) {
	devicetest.Thermometer(t, func(t *testing.T) devicetest.ThermometerRig { return rig(t, "name", "temp1_input", "lm75") })
}

// liar is a thermometer that is always cool.
type liar struct{ *thermal.Dev }

func (l liar) Celsius(ctx context.Context) (float64, error) {
	c, err := l.Dev.Celsius(ctx)
	switch devicetest.Lie() {
	case "always cool":
		return 20, nil
	case "in thousandths":
		return c * 1000, err
	}
	return c, err
}

func TestSuiteCatches(t *testing.T) {
	devicetest.Caught(t, "TestSuite", "always cool", "in thousandths")
}
