-- Files in the guest, through its agent, in pieces.

local agent = require("guestlua.guest.agent")
local asking = require("guestlua.guest.ask")
local core = require("guestlua.core")
local define = require("guestlua.base.define")
local json = require("guestlua.base.json")

-- With more in one command the agent is lost.
local PIECE, MAX = 32 << 10, 16 << 20

local function check_path(path, method)
  agent.check_text("path", path, method)
  if path == "" then
    define.bad(method, "path", "cannot be empty")
  end
end

-- The messages of guests other than Windows for a file that cannot be opened, and the error kinds.
local WHY = {
  { "No such file or directory", "no_file" }, { "Permission denied", "access_denied" }, { "Is a directory", "no_file" },
  { "Not a directory", "no_file" }, { "Read%-only file system", "access_denied" },
}

local function open(guest, method, path, mode)
  local ok, handle = pcall(asking.ask, guest, "guest-file-open", { path = path, mode = mode })
  if ok then
    return handle
  end
  for _, row in ipairs(WHY) do
    if core.Error.is(handle) and (handle.message or ""):find(row[1] .. "$") then
      error(core.Error.new({ kind = row[2], op = method, guest = guest.name, cause = handle,
        message = ("%s: '%s' in the guest: %s"):format(method, path, (row[1]:gsub("%%", ""))) }), 0)
    end
  end
  error(handle, 0)
end

-- Calls fn with a file in the guest, which is always closed afterwards.
local function with_file(guest, method, path, mode, fn)
  json("read_file", "a file in the guest")
  local handle = open(guest, method, path, mode)
  local guard <close> = setmetatable({}, { __close = function() -- luacheck: ignore guard
    pcall(asking.ask, guest, "guest-file-close", { handle = handle })
  end })
  return fn(handle)
end

define(core.Guest, "Guest", {
  name = "read_file",
  method = true,
  help = "Reads a file in the guest, through its agent. Kinds of errors: no_file, access_denied.",
  result = { "string content", "boolean more" },
  returns = "string: its contents, and then whether there is more than max_size",
  blocks = true,
  params = {
    { name = "path", type = "string", positional = true, required = true, help = "the file's path in the guest" },
    { name = "max_size", type = "integer", help = "the maximum number of bytes; default 16 MiB" },
  },
  run = function(guest, path, options)
    check_path(path, "read_file")
    local left = options.max_size or MAX
    return with_file(guest, "read_file", path, "r", function(handle)
      local pieces = {}
      repeat
        local answer = asking.ask(guest, "guest-file-read", { handle = handle, count = left < PIECE and left + 1 or PIECE })
        local piece = asking.from_base64(answer["buf-b64"] or "")
        pieces[#pieces + 1] = piece:sub(1, left)
        local more = #piece > left
        left = left - math.min(#piece, left)
        if more then
          return table.concat(pieces), true
        end
      until answer.eof or #piece == 0
      return table.concat(pieces), false
    end)
  end,
})

define(core.Guest, "Guest", {
  name = "write_file",
  method = true,
  help = "Writes a file in the guest, through its agent: it is made, or replaced, and flushed. The contents are masked in all that guestlua prints. "
    .. "Kinds of errors: no_file (its directory), access_denied.",
  blocks = true,
  params = {
    { name = "path", type = "string", positional = true, required = true, help = "the file's path in the guest" },
    { name = "text", type = "string", binary = true, positional = true, required = true, help = "what is to be in it" },
    { name = "append", type = "boolean", help = "append to the file" },
  },
  run = function(guest, path, text, options)
    check_path(path, "write_file")
    with_file(guest, "write_file", path, options.append and "a" or "w", function(handle)
      for from = 1, #text, PIECE do
        local piece, at = text:sub(from, from + PIECE - 1), 0
        while at < #piece do
          local count = asking.ask(guest, "guest-file-write", { handle = handle, ["buf-b64"] = asking.to_base64(piece:sub(at + 1)) }).count
          if count <= 0 then
            error(core.Error.new({ kind = "operation_failed", op = "write_file", guest = guest.name, message = "the guest wrote nothing more" }), 0)
          end
          at = at + count
        end
      end
      asking.ask(guest, "guest-file-flush", { handle = handle })
    end)
  end,
})
