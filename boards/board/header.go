package board

import "fmt"

// Header is a row of pins that wires are put on.
type Header struct {
	Name string
	Pins []HeaderPin // the first is pin 1; odd numbers are one row, even ones the other
}

// HeaderPin is one place on a header.
type HeaderPin struct {
	Line  string  // GPIO17, GND, 3V3, 5V
	Volts float64 // of a supply pin, or the most that a signal pin bears; 0: ground
	Bus   string  // that has the pin while it is in use: i2c1, spi0, uart; "": none
	Kept  string  // why no wire may be put there; "": one may
}

// Headers returns the names of the headers there are.
func Headers() []string { return []string{rpi40} }

// HeaderOf returns the header called name.
func HeaderOf(name string) (Header, bool) {
	if name != rpi40 {
		return Header{}, false
	}
	return raspberryPi, true
}

const rpi40 = "raspberry-pi-40"

// raspberryPi is the header of every Raspberry Pi since the B+ of 2014, as in the
// maker's «GPIO and the 40-pin header». Its signals are 3.3 V, and none bears 5 V.
var raspberryPi = Header{Name: rpi40, Pins: rpiPins()}

func rpiPins() []HeaderPin {
	const ground, v33, v5 = -1, -2, -3
	order := []int{
		v33, v5, 2, v5, 3, ground, 4, 14, ground, 15, 17, 18, 27, ground, 22, 23, v33, 24, 10, ground,
		9, 25, 11, 8, ground, 7, 0, 1, 5, ground, 6, 12, 13, ground, 19, 16, 26, 20, ground, 21,
	}
	buses := map[int]string{2: "i2c1", 3: "i2c1", 14: "uart", 15: "uart", 7: "spi0", 8: "spi0", 9: "spi0", 10: "spi0", 11: "spi0"}
	var out []HeaderPin
	for _, n := range order {
		switch n {
		case ground:
			out = append(out, HeaderPin{Line: "GND"})
		case v33:
			out = append(out, HeaderPin{Line: "3V3", Volts: 3.3})
		case v5:
			out = append(out, HeaderPin{Line: "5V", Volts: 5})
		default:
			p := HeaderPin{Line: fmt.Sprintf("GPIO%d", n), Volts: 3.3, Bus: buses[n]}
			if n < 2 {
				p.Kept = "it reads the memory of an add-on board at the start"
			}
			out = append(out, p)
		}
	}
	return out
}
