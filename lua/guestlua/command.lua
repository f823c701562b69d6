-- What the guestlua command does once main.c has read its options. Runs as a task.

local guestlua = require("guestlua")

local function print_versions()
  local v = guestlua.version
  print(("guestlua %s (Lua %s, libvirt %s, libxml2 %s, libuv %s)"):format(v.guestlua, v.lua, v.libvirt, v.libxml2, v.libuv))
end

-- The chunk, or an error without a traceback: it would only show us.
local function compiled(chunk, message)
  return chunk or error(message, 0)
end

local step = {
  statement = function(text)
    compiled(load(text, "=(command line)"))()
  end,
  module = function(name)
    _G[name:match("^[^.]*")] = require(name) -- as lua(1) does for a name without dots
  end,
}

-- Reads statements from standard input, one a line or as many lines as it takes.
local function interact()
  local text, terminal = "", guestlua.isatty(io.stdin)
  while true do
    if terminal then
      io.stdout:write(text == "" and "> " or ">> "):flush()
    end
    local line = io.read("L")
    if not line then
      return
    end
    text = text .. line
    local chunk, message = load("return " .. text, "=stdin")
    if not chunk then
      chunk, message = load(text, "=stdin")
    end
    if chunk or not message:find("<eof>$") then
      local results = table.pack(pcall(compiled, chunk, message))
      if results[1] then
        results = table.pack(pcall(chunk))
      end
      if not results[1] then
        io.stderr:write(tostring(results[2]), "\n")
      elseif results.n > 1 then
        print(table.unpack(results, 2, results.n))
      end
      text = ""
    end
  end
end

return function(options, ...)
  guestlua.default_uri = options.uri
  guestlua.default_readonly = options.readonly
  if options.version then
    print_versions()
  end
  for _, s in ipairs(options.steps) do
    step[s[1]](s[2])
  end
  local nothing_else = not options.version and #options.steps == 0
  if options.script then
    compiled(loadfile(options.script ~= "-" and options.script or nil))(...)
  elseif options.interactive or nothing_else and guestlua.isatty(io.stdin) then
    return interact()
  elseif nothing_else then
    compiled(loadfile())(...)
  end
  if options.script and options.interactive then
    interact()
  end
end
