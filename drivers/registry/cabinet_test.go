package registry_test

import (
	"encoding/json"
	"testing"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/registry"
)

// TestCabinet: what belongs to a cabinet is loaded, each as its class, whether it is
// there or not; and options and ports that make no sense are refused.
func TestCabinet(t *testing.T) {
	dir := t.TempDir()
	type v struct {
		driver, port, options string
		is                    func(device.Device) bool
	}
	for _, c := range []v{
		{"ds3231", "/dev/i2c-99", `{"address": 104}`, kind[device.RealTimeClock]},
		{"rtc", dir + "/rtc", `{}`, kind[device.RealTimeClock]},
		{"ina219", "/dev/i2c-99", `{"address": 66, "ohm": 0.01, "empty_volts": 9, "full_volts": 12.6, "invert": true}`, kind[device.PowerMonitor]},
		{"gpio-ups", "/dev/gpiochip", `{"line": "NO-SUCH-LINE", "active": "low"}`, kind[device.PowerMonitor]},
		{"firmata-ups", dir + "/board", `{"line": "D6"}`, kind[device.PowerMonitor]},
		{"gpio-lights", "/dev/gpiochip", `{"lights": {"cardReader": {"line": "NO-SUCH-LINE"}}}`, kind[device.Indicator]},
		{"leds", dir, `{"lights": {"cardReader": {"line": "led0", "active": "low"}}, "tone_ms": 200}`, kind[device.Indicator]},
		{"thermometer", dir, `{"name": "cpu-thermal"}`, kind[device.Thermometer]},
		{"backlight", dir, `{"name": "panel"}`, kind[device.Backlight]},
		{"watchdog", dir + "/watchdog", `{"timeout_ms": 14000}`, kind[device.Watchdog]},

		{"ds3231", "i2c", `{}`, nil},
		{"ds3231", "/dev/i2c-1", `{"adress": 104}`, nil},
		{"rtc", dir, `{"x": 1}`, nil},
		{"ina219", "/dev/i2c-1", `{"ohm": -1}`, nil},
		{"gpio-ups", "/dev/gpiochip", `{"line": "X", "pull": "sideways"}`, nil},
		{"leds", dir, `{"lights": {}}`, nil},
		{"leds", dir, `{"lights": {"cardReader": {"line": "a", "active": "?"}}}`, nil},
		{"watchdog", dir, `{"timeout_ms": 1500}`, nil},
	} {
		rs := registry.Load([]registry.Want{{Name: "x", Driver: c.driver, Port: c.port, Options: json.RawMessage(c.options)}})
		switch {
		case c.is == nil && rs[0].State != registry.Failed:
			t.Errorf("%s at %s with %s: got %v, want it refused", c.driver, c.port, c.options, rs[0].State)
		case c.is != nil && (rs[0].State != registry.Loaded || !c.is(rs[0].Device)):
			t.Errorf("%s at %s with %s: got %v, %v, %T", c.driver, c.port, c.options, rs[0].State, rs[0].Err, rs[0].Device)
		}
		if err := registry.Halt(rs); err != nil {
			t.Errorf("%s: Halt = %v, want nil", c.driver, err)
		}
	}
}

func kind[T device.Device](d device.Device) bool { _, ok := d.(T); return ok }
