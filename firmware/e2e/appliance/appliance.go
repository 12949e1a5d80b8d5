// Package appliance boots the image that kiosks are made of, in a virtual machine,
// and does to it what happens to kiosks: it is touched, its parts are killed and
// hang, its disk is full, its power is pulled, it is updated well and badly. What is
// looked at is outside of it: the screen, the portal, the paper, the console. It
// holds only tests.
package appliance
