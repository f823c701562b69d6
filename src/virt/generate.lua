-- lua5.4 src/virt/generate.lua DIRECTORY API.xml …: makes the calls of libvirt's that are alike, a file a class, in DIRECTORY.
--
-- The names, types and numbers are those of the description that libvirt installs: what is newer than this repository comes by itself. What the
-- description does not say is in calls/*.lua, a table a class:
--   class     the class of Lua that has them as methods: what the function's first argument is
--   rows      by libvirt's function. First whether it changes something:
--               "look"    it changes nothing, and is one round trip at most      "read"    it changes nothing, and may take longer
--               "change"  it changes something                                   "beside"  the same, and helps or ends what is under way
--               "end"     it ends the object, and with that all that is under way on it
--             then what it does, in our own words. Then by name, where it is needed:
--               name      the method, if it is not what libvirt's name comes to     as       { another name, what that does }: the same, with choices
--               optional  arguments that may be nil                                 enums    the enumeration of an argument, bits: of a set of them
--               params    what the names of its typed parameters begin with         flags    the enumeration of its options
--               older     the function of before, for drivers that do not know this one, older_args: those that it has
--               gives     the enumeration of the result                             returns  what the result means
--               lane      "agent": it speaks to the guest's agent                   slow     it may last for hours
--               detaches  its first argument is a device that is to go
--               aborts    the method that ends it                                   maybe    nothing may come back
--   hand      functions with methods that are written by hand, and their names
--   superseded, missing, infrastructure   functions that have none, and why: spec/module/coverage_spec.lua proves that none is forgotten
-- A function that is in no table changes something.
--
-- Its events come from that description, too: calls/events.lua.

local here = arg[0]:match("^(.*)/[^/]*$")
package.path = here .. "/?.lua;" .. package.path

local events, plan, write, words = require("generate.events"), require("generate.plan"), require("generate.write"), require("calls.words")

local directory = arg[1]
local description = require("generate.description").read({ table.unpack(arg, 2) })

local function put(name, text)
  local out <close> = assert(io.open(("%s/%s.c"):format(directory, name), "w"))
  assert(out:write(text))
end

put("words", write.words(description, words))
put("events", events.file(require("calls.events"), description, words))
for _, file in ipairs({ "host", "domain", "snapshot", "network", "storage", "device" }) do
  local tables = require("calls." .. file)
  for _, one in ipairs(tables.class and { tables } or tables) do
    local id = one.class:lower()
    put(id, write.file(("gl_%s_calls"):format(id), plan.of_class(one, description), description, words))
  end
end
