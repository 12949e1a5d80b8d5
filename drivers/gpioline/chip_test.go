package gpioline

import (
	"testing"

	"github.com/penjire/penjire/drivers/devicetest"
)

// TestCompilerAgrees has gcc say where the header of this machine puts the fields.
func TestCompilerAgrees(t *testing.T) {
	devicetest.Header(t, "linux/gpio.h", []devicetest.Place{
		{What: "GPIO_GET_CHIPINFO_IOCTL", Is: chipInfo},
		{What: "GPIO_V2_GET_LINEINFO_IOCTL", Is: lineInfo},
		{What: "GPIO_V2_GET_LINE_IOCTL", Is: lineRequest},
		{What: "GPIO_V2_LINE_GET_VALUES_IOCTL", Is: lineRead},
		{What: "GPIO_V2_LINE_SET_VALUES_IOCTL", Is: lineSet},
		{What: "sizeof(struct gpio_v2_line_event)", Is: eventSize},
		{What: "GPIO_MAX_NAME_SIZE", Is: nameSize},
		{What: "GPIO_V2_LINE_FLAG_INPUT", Is: flagInput},
		{What: "GPIO_V2_LINE_FLAG_OUTPUT", Is: flagOutput},
		{What: "GPIO_V2_LINE_FLAG_EDGE_RISING", Is: flagRising},
		{What: "GPIO_V2_LINE_FLAG_EDGE_FALLING", Is: flagFalling},
		{What: "GPIO_V2_LINE_FLAG_BIAS_PULL_UP", Is: flagPullUp},
		{What: "GPIO_V2_LINE_FLAG_BIAS_PULL_DOWN", Is: flagPullDown},
		{What: "GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES", Is: attrValues},
		{What: "offsetof(struct gpiochip_info, label)", Is: infoLabel},
		{What: "offsetof(struct gpiochip_info, lines)", Is: infoLines},
		{What: "offsetof(struct gpio_v2_line_info, offset)", Is: lineOffset},
		{What: "offsetof(struct gpio_v2_line_request, consumer)", Is: requestConsumer},
		{What: "offsetof(struct gpio_v2_line_request, config.flags)", Is: requestFlags},
		{What: "offsetof(struct gpio_v2_line_request, config.num_attrs)", Is: requestAttrs},
		{What: "offsetof(struct gpio_v2_line_request, config.attrs)", Is: requestAttr},
		{What: "offsetof(struct gpio_v2_line_request, num_lines)", Is: requestLines},
		{What: "offsetof(struct gpio_v2_line_request, fd)", Is: requestFD},
		{What: "offsetof(struct gpio_v2_line_config_attribute, attr.id)", Is: attrID},
		{What: "offsetof(struct gpio_v2_line_config_attribute, attr.values)", Is: attrValue},
		{What: "offsetof(struct gpio_v2_line_config_attribute, mask)", Is: attrMask},
		{What: "offsetof(struct gpio_v2_line_values, bits)", Is: valuesBits},
		{What: "offsetof(struct gpio_v2_line_values, mask)", Is: valuesMask},
		{What: "sizeof(struct gpio_v2_line_values)", Is: valuesBytes},
	})
}
