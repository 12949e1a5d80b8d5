// Command guest is the first and only program of a virtual machine in which drivers
// meet the kernel's own USB drivers (package cables). The devices are the emulators
// of drivers/emulator at the far ends of USB gadgets, on a controller that is wired
// to itself (dummy_hcd); the machine's owner plugs a serial adapter when it is asked.
package main

import (
	"errors"
	"time"

	"github.com/penjire/penjire/firmware/e2e/virtual/inside"
)

func main() { inside.Main(tooLong, run) }

// tooLong is far more than everything takes.
const tooLong = 8 * time.Minute

func run() error {
	// Two controllers: one for each gadget.
	if err := inside.Prepare(map[string]string{"dummy_hcd": "num=2"}); err != nil {
		return err
	}
	return errors.Join(printers(inside.Say), readers(inside.Say))
}
