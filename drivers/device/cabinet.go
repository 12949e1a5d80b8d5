package device

import (
	"context"
	"time"
)

// Light is a place with a light, in XFS4IoT's words.
type Light string

// The lights.
const (
	LightCardReader      Light = "cardReader"
	LightReceiptPrinter  Light = "receiptPrinter"
	LightDocumentPrinter Light = "documentPrinter"
	LightScanner         Light = "scanner"
	LightNotes           Light = "notesDispenser"
	LightStatusGood      Light = "statusGood"
	LightStatusBad       Light = "statusBad"
	LightInService       Light = "statusInService"
	Buzzer               Light = "audio" // is heard: its flashes are tones, and end by themselves
)

// Flash is how a light shines.
type Flash string

// The ways of shining.
const (
	LightOff        Flash = "off"
	LightSlow       Flash = "slow"
	LightMedium     Flash = "medium"
	LightQuick      Flash = "quick"
	LightContinuous Flash = "continuous"
)

// Indicator is a set of lights, or a buzzer.
//
// Contract: a light that flashes stops when the program dies. What was set is
// remembered, never read back from the pin: reading makes an input of an output.
type Indicator interface {
	Device
	// Lights are those it has.
	Lights() []Light
	// Set fails with ErrUnsupported for a light it does not have.
	Set(l Light, f Flash) error
}

// Contact is the state of a switch, sensor or line.
type Contact string

// The states of a contact. What is active (door open, tamper loop broken, someone
// there, supply failing) depends on the sensor's kind.
const (
	ContactIdle    Contact = "idle"
	ContactActive  Contact = "active"
	ContactUnknown Contact = "unknown" // never taken for idle
)

// SensorKind is what a sensor senses, in XFS4IoT's words.
type SensorKind string

// The kinds of sensors, and what active means.
const (
	SensorPresence  SensorKind = "proximitySensor" // somebody is there
	SensorTamper    SensorKind = "tamperSensor"    // the loop is broken
	SensorDoor      SensorKind = "cabinetDoor"     // open
	SensorHeadphone SensorKind = "enhancedAudio"   // plugged in
	SensorOperator  SensorKind = "operatorSwitch"  // maintenance
	SensorSupply    SensorKind = "supplyFailing"   // not in XFS4IoT: the supply is failing
)

// Sensor is a switch or line with two states.
//
// Contract: a change is seen within 250 ms also where the edge was missed; shorter
// ones than its debounce time are not. A change to active between two looks is not
// lost: Tripped says so until it is cleared.
type Sensor interface {
	Watcher
	Kind() SensorKind
	// Contact returns the state and since when.
	Contact() (Contact, time.Time)
	// Tripped says whether it was active since Clear.
	Tripped() bool
	Clear()
}

// Backlight is the light of the screen.
type Backlight interface {
	Device
	// Brightness sets it, 0 (dark, still on) to 100.
	Brightness(percent int) error
	// Blank switches the light off or on again.
	Blank(off bool) error
}

// RealTimeClock is a clock with a battery.
//
// Contract: Now fails where the clock says that it stopped, as its time is then no
// time at all (ErrClockStopped).
type RealTimeClock interface {
	Device
	Now() (time.Time, error)
	Set(t time.Time) error
}

// Power is what feeds the kiosk.
type Power struct {
	Source   PowerSource
	Percent  int           // of the battery; -1: unknown
	Volts    float64       // at the supply; 0: unknown
	Amperes  float64       // drawn from it; 0: unknown
	Remained time.Duration // that the battery still lasts; 0: unknown
}

// PowerSource is where the power comes from.
type PowerSource string

// The power sources.
const (
	PowerMains   PowerSource = "mains"
	PowerBattery PowerSource = "battery"
	PowerUnknown PowerSource = "unknown"
)

// PowerMonitor measures the supply, or asks a UPS.
type PowerMonitor interface {
	Watcher
	Power(ctx context.Context) (Power, error)
}

// Thermometer measures the temperature in the cabinet or of the processor.
type Thermometer interface {
	Device
	Celsius(ctx context.Context) (float64, error)
}

// Watchdog resets the machine unless it is kicked.
//
// Contract: Kick is called only while all that must make progress does. Halt stops
// the watchdog where the kernel allows it; a process that dies leaves it running.
type Watchdog interface {
	Device
	// Timeout is how long it waits.
	Timeout() time.Duration
	Kick() error
}
