package board

// Status says how far a board may be trusted.
type Status struct {
	Experimental bool
	Why          Words  // it is experimental; zero otherwise
	Seen         string // on what this board's data was seen working
}

// Words are a sentence for people, in the languages of the product.
type Words struct{ TK, RU, EN string }

// In returns the words in a language; English for one that is not there.
func (w Words) In(lang string) string {
	switch lang {
	case "tk":
		return w.TK
	case "ru":
		return w.RU
	}
	return w.EN
}

// Machine says which machines are this board. See [Match].
type Machine struct {
	Models  []string // beginnings of the device tree's model: "Raspberry Pi 4 Model B"
	Similar []string // models that start this board's image, but whose ports or pins differ
	DMI     []DMI    // of machines without a device tree

	Architecture string // of machines without a device tree that nothing else fits; "": none
}

// DMI are beginnings of what firmware says of its machine; "" fits everything.
type DMI struct{ Vendor, Product string }

// Image says what goes into the image for a board. A board without one
// (Architecture "") cannot be built.
type Image struct {
	Architecture string   // Debian's: amd64, arm64
	Kernel       string   // debian: the release's own; backports
	Loader       string   // grub-efi, u-boot
	UBoot        string   // Debian's name of the U-Boot: rpi_3; "" with another loader
	DeviceTree   string   // below the kernel's device trees: broadcom/bcm2711-rpi-4-b.dtb; "": the firmware has one
	Overlays     []string // of boards/image/devicetree, which puts them into DeviceTree: i2c-rtc,ds3231
	Firmware     []string // Debian packages with what the hardware loads
	Console      []string // as after console=; the last is /dev/console
	Arguments    []string // more of the kernel's command line
	Packages     string   // which browser and what it needs: chromium, cog
}

// Touch is the touchscreen.
type Touch struct {
	Kind string // usb, i2c, virtual, none
	Name string // part of the input device's name; "": any touchscreen
}

// Audio is where speech is heard.
type Audio struct {
	Output string // hdmi, jack, usb, none
	Card   string // ALSA's name of the card; "": its first
}

// WatchdogTimer is what restarts a machine that hangs.
type WatchdogTimer struct {
	Device  string // /dev/watchdog0; "": there is none
	Driver  string // kernel module that has it
	Seconds int    // at most, that the hardware waits
	KeptBy  string // systemd, or kiosk: then the board has a device of class watchdog
}

// The profiles of power. On the sun every watt counts: screens dim sooner.
const (
	Mains = "mains"
	UPS   = "ups"
	Solar = "solar"
)

// Power is where the electricity comes from.
type Power struct {
	Profile  string // Mains, UPS or Solar
	FailLine string // the device that says that the supply is going: a sensor of kind supplyFailing; "": none does
	Monitor  string // the device that measures the battery: of class power-monitor; "": none does
	HoldMS   int    // for how many milliseconds the supply still carries after FailLine; 0: no FailLine
}

// RTC is the clock that runs on a battery.
type RTC struct {
	Kind   string // ds3231, cmos, rpi (the Raspberry Pi 5's own), none
	Device string // /dev/rtc0; "" with none
}

// Socket is a socket at the edge of the machine.
type Socket struct {
	Place string // where it is, seen from outside with the board lying flat: one of Places
	Kind  string // usb2, usb3, micro; ethernet, which has no port
	Port  string // how it is found in Device.Port: the part up to the interface, or usb:1-1.2
}

// Places returns the places a socket may have.
func Places() []string {
	return []string{"upper-left", "lower-left", "upper-right", "lower-right", "left", "right", "only", "hub-1", "hub-2", "hub-3", "hub-4"}
}

// Pin is a wire on the header.
type Pin struct {
	Number int     // on the header, from 1
	Line   string  // what is there: GPIO17, GND, 3V3, 5V
	Device string  // whose wire it is
	Use    string  // gpio, power, ground, or the bus: i2c1, spi0, uart
	Volts  float64 // of the signal or supply on the wire; 0 for ground
	Colour string  // of the wire: one of Colours
}

// Colours returns the colours a wire may have.
func Colours() []string {
	return []string{"black", "red", "orange", "yellow", "green", "blue", "violet", "grey", "white", "brown"}
}
