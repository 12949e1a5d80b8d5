// Package sticks puts memory sticks formatted as FAT, as they are sold, into a kiosk that
// has no set-up, in a virtual machine: the kernels that tests run on often know no FAT.
// guest is the machine's first and only program. It holds only tests.
package sticks
