// Package cables tests drivers with the kernel's own drivers for USB printers and
// serial lines, in a virtual machine, where a cable can be pulled. The tests are all
// there is to it; guest is the machine's only program.
package cables
