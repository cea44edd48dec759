import com.cloudbees.groovy.cps.Continuable
import com.cloudbees.groovy.cps.SerializableScript

/**
 * The words of a declarative pipeline, and the steps that ours take.
 *
 * This class goes through the transformer of Jenkins like the Jenkinsfile itself. A step suspends the program, which Java then saves and
 * restores (Runner), as Jenkins does at each step; what the step is about is Java's affair (Build).
 */
abstract class Declarative extends SerializableScript {
    protected List stages = []
    protected List conditions = []
    protected Map handlers = [:]
    protected Map current = [:]

    // -- the structure ------------------------------------------------------------------------------------------------

    void pipeline(Closure body) {
        body()
        String failure = runStages()
        def wanted = failure ? ['always', 'failure', 'unsuccessful'] : ['always', 'success']
        for (event in wanted) {
            Closure handler = handlers[event]
            if (handler) {
                try {
                    handler()
                } catch (Exception error) {
                    failure = failure ?: error.message
                }
            }
        }
        ask(step: 'end', result: failure ? 'FAILURE' : 'SUCCESS', why: failure)
    }

    protected String runStages() {
        for (stage in stages) {
            if (!holds(stage.conditions)) {
                ask(step: 'skip', stage: stage.name)
                continue
            }
            ask(step: 'stage', stage: stage.name)
            try {
                Closure steps = stage.steps
                steps()
            } catch (Exception error) {
                return error.message ?: error.toString()
            }
        }
        return null
    }

    void agent(Closure body) { body() }

    void label(String name) { ask(step: 'agent', label: name) }

    void options(Closure body) { body() }

    void disableConcurrentBuilds() { ask(step: 'option', name: 'disableConcurrentBuilds') }

    void buildDiscarder(Map rotator) { ask(step: 'option', name: 'buildDiscarder', value: rotator) }

    Map logRotator(Map arguments) { return arguments }

    void timeout(Map arguments) { ask(step: 'option', name: 'timeout', value: arguments) }

    void timestamps() { ask(step: 'option', name: 'timestamps') }

    void stages(Closure body) { body() }

    void stage(String name, Closure body) {
        current = [name: name, conditions: []]
        stages.add(current)
        body()
    }

    void steps(Closure body) { current.steps = body }

    void when(Closure body) { current.conditions = gathered(body) }

    void expression(Closure body) { conditions.add([kind: 'expression', body: body]) }

    void branch(String name) { conditions.add([kind: 'branch', name: name]) }

    void not(Closure body) { conditions.add([kind: 'not', inner: gathered(body)]) }

    protected List gathered(Closure body) {
        def outer = conditions
        conditions = []
        body()
        def found = conditions
        conditions = outer
        return found
    }

    protected boolean holds(List all) {
        for (condition in all) {
            if (!holdsOne(condition)) {
                return false
            }
        }
        return true
    }

    protected boolean holdsOne(Map condition) {
        if (condition.kind == 'expression') {
            Closure body = condition.body
            return body() as boolean
        }
        return condition.kind == 'branch' ? env.BRANCH_NAME == condition.name : !holds(condition.inner)
    }

    void post(Closure body) { body() }

    void always(Closure body) { handlers.always = body }

    void success(Closure body) { handlers.success = body }

    void failure(Closure body) { handlers.failure = body }

    void unsuccessful(Closure body) { handlers.unsuccessful = body }

    // -- steps --------------------------------------------------------------------------------------------------------

    void script(Closure body) { body() }

    def sh(String command) { return sh(script: command) }

    def sh(Map arguments) {
        def done = ask([step: 'sh'] + arguments)
        if (done.code != 0) {
            throw new RuntimeException("script returned exit code ${done.code}")
        }
        return arguments.returnStdout ? done.out : null
    }

    def load(String path) {
        def loaded = ask(step: 'load', path: path)
        return loaded.run()
    }

    def container(String name, Closure body) { return within([container: name], body) }

    def dir(String path, Closure body) { return within([dir: path], body) }

    def withEnv(List variables, Closure body) { return within([env: variables], body) }

    def withCredentials(List bindings, Closure body) { return within([credentials: bindings], body) }

    Map usernamePassword(Map arguments) { return [kind: 'usernamePassword'] + arguments }

    Map sshUserPrivateKey(Map arguments) { return [kind: 'sshUserPrivateKey'] + arguments }

    Map string(Map arguments) { return [kind: 'string'] + arguments }

    void catchError(Map arguments, Closure body) {
        try {
            body()
        } catch (Exception error) {
            ask(step: 'caught', message: arguments.message, buildResult: arguments.buildResult, why: error.message)
            if (arguments.buildResult != 'SUCCESS') {
                throw error
            }
        }
    }

    Map getEnv() { return ask(step: 'env') }

    protected def within(Map frame, Closure body) {
        ask([step: 'enter'] + frame)
        try {
            return body()
        } finally {
            ask(step: 'leave')
        }
    }

    protected def ask(Map request) { return Continuable.suspend(request) }
}
