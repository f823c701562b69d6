-- For specs of the sandbox: scripts in a guestlua of their own, which they may take with them.
--
--   local sandbox = require("spec.support.sandboxed")(...)
--       ...: nothing, or the options that process_spec.lua runs the file with
--   sandbox.WAY                                     the options of the command
--   sandbox.run(script, options)                    exit code, output, errors of a script, which has to end by itself
--   sandbox.stopped(message, script, options)       it fails with this
--   sandbox.prints(text, script, options)           it comes to its end and prints this

local assert = require("luassert")
local helper = require("spec.support.helper")

local LIMITS = "--max-memory=48 --max-instructions=5000000"

return function(way)
  local sandbox = { WAY = way == "--sandbox --process" and way or "--sandbox" }

  function sandbox.run(script, options)
    local code, out, err = helper.run(("timeout -s KILL 60 %s %s %s -"):format(helper.interpreter, sandbox.WAY, options or LIMITS), script)
    assert.is_true(code == 0 or code == 1, ("%s: exit code %d: %s"):format(script, code, err))
    return code, out, err
  end

  function sandbox.stopped(message, script, options)
    local code, out, err = sandbox.run(script, options)
    assert.equal(1, code, out .. err)
    assert.matches(message, err)
  end

  function sandbox.prints(text, script, options)
    local code, out, err = sandbox.run(script, options)
    assert.same({ 0, text, "" }, { code, out, err })
  end

  return sandbox
end
