// Package cabinet tests the drivers of what is in a kiosk's cabinet with the kernel's
// own lines, clock, watchdog and camera, in a virtual machine, where a chip can be
// taken away while it is in use. The tests are those of the drivers, left out where
// the kernel has no such device; guest is the machine's first program and runs them.
package cabinet
