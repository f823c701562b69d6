-- lua5.4 embed.lua FILE…: writes modules.c, the Lua modules as bytecode, to standard output. Run at build time.
--
-- lua/guestlua/init.lua is the module "guestlua", lua/guestlua/disk/job.lua is "guestlua.disk.job". Line numbers stay in, for tracebacks.
-- A text, as doc/manual.md, is a module, "guestlua.doc.manual", which returns the text.

local rows = {}
print('#include "module/modules.h"')
for i, path in ipairs(arg) do
  local source = path:gsub("^lua/", ""):gsub("^doc/", "guestlua/doc/")
  local name = source:gsub("%.%a+$", ""):gsub("/init$", ""):gsub("/", ".")
  local file <close> = assert(io.open(path))
  local text = file:read("a")
  local code = string.dump(assert(load(path:find("%.lua$") and text or ("return %q"):format(text), "=" .. source, "t")))
  local bytes = {}
  for at = 1, #code, 24 do
    bytes[#bytes + 1] = table.concat({ code:byte(at, math.min(at + 23, #code)) }, ",")
  end
  print(("\nstatic const unsigned char module_%d[] = {\n%s};"):format(i, table.concat(bytes, ",\n")))
  rows[i] = ('  {"%s", "%s", module_%d, sizeof module_%d},'):format(name, source, i, i)
end
print(("\nconst gl_module gl_modules[] = {\n%s\n  {0},\n};"):format(table.concat(rows, "\n")))
