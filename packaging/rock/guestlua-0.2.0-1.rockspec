-- A module for a Lua of one's own: `luarocks make` in the source tree. It is built against the installed library (make install, libguestlua-dev).
rockspec_format = "3.0"
package = "guestlua"
version = "0.2.0-1"
source = {
  url = "guestlua-0.2.0.tar.gz", -- from the source tree: there is no download
  dir = "guestlua-0.2.0",
}
description = {
  summary = "Lua scripts with power over libvirt guests",
  detailed = "Guest and BlockDevice over libvirt, with the names of OpenStack Nova's nova.virt.libvirt.guest: snapshot, commit, copy, migrate and more.",
  license = "Apache-2.0",
}
supported_platforms = { "linux" }
dependencies = { "lua >= 5.4, < 5.5" }
external_dependencies = {
  GUESTLUA = { header = "guestlua.h", library = "guestlua" },
}
build = {
  type = "builtin",
  modules = {
    guestlua = {
      sources = { "guestlua.c" },
      libraries = { "guestlua" },
      incdirs = { "$(GUESTLUA_INCDIR)" },
      libdirs = { "$(GUESTLUA_LIBDIR)" },
    },
  },
}
