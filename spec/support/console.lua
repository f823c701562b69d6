-- A guest with a login on a serial device: root, with the password "seam".

local guestlua = require("guestlua")

local console = {}

local PASSWD = "root:$1$abcdefgh$EKCA5zQnKLLAMPzoOKddy1:0:0:root:/root:/bin/sh"

-- Adds a serial device, and so a console, to a configuration.
function console.add(domain)
  domain.devices:append(guestlua.element("<serial type='pty'/>"))
end

-- Has the guest ask for a login there, on ttyS0 or ttyS1.
function console.offer_login(machine, terminal)
  machine:sh(("echo '%s' >/etc/passwd; grep -q getty /etc/inittab || echo '%s::respawn:/bin/getty -L %s 115200 vt100' >>/etc/inittab; kill -HUP 1")
    :format(PASSWD, terminal, terminal))
end

return console
