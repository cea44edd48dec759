import com.cloudbees.groovy.cps.Continuable;
import com.cloudbees.groovy.cps.CpsTransformer;
import com.cloudbees.groovy.cps.Outcome;
import groovy.json.JsonSlurper;
import groovy.lang.GroovyClassLoader;
import groovy.lang.GroovyCodeSource;
import groovy.lang.Script;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.ObjectStreamClass;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.codehaus.groovy.control.CompilerConfiguration;

/**
 * Runs Jenkinsfiles with the Groovy and the transformer of Jenkins: `java Runner DECLARATIVE.groovy`.
 *
 * Each line of its standard input is a build, as JSON; what happens in it is printed, a line of JSON each, the last one with the step "over".
 *
 * At each step the program is saved and read back, as Jenkins does in case it is restarted: what can't be saved ends the build.
 */
public final class Runner {
    private final GroovyClassLoader loader;
    private final Build build;

    private Runner(GroovyClassLoader words, Build build) {
        this.loader = new GroovyClassLoader(words, transformed("Declarative"));
        this.build = build;
    }

    public static void main(String[] arguments) throws Exception {
        GroovyClassLoader words = new GroovyClassLoader(Runner.class.getClassLoader(), transformed(null));
        words.parseClass(Path.of(arguments[0]).toFile());
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            Build build = new Build((Map<?, ?>) new JsonSlurper().parseText(line));
            String error = "";
            try {
                new Runner(words, build).run();
            } catch (Exception | LinkageError broken) {
                error = broken.toString();
            }
            build.say(Map.of("step", "over", "error", error));
        }
    }

    private static CompilerConfiguration transformed(String baseClass) {
        CompilerConfiguration configuration = new CompilerConfiguration();
        configuration.addCompilationCustomizers(new CpsTransformer());
        if (baseClass != null) {
            configuration.setScriptBaseClass(baseClass);
        }
        return configuration;
    }

    private void run() throws Exception {
        Continuable program = new Continuable(parsed(build.script()));
        Object answer = null;
        while (true) {
            Outcome outcome = program.run0(new Outcome(answer, null), List.of(Lists.class));
            if (outcome.isFailure()) {
                throw new IllegalStateException("the Jenkinsfile ended with an error of its own: " + outcome.getAbnormal());
            }
            if (!program.isResumable()) {
                return;
            }
            Map<?, ?> asked = (Map<?, ?>) outcome.getNormal();
            answer = asked.get("step").equals("load") ? parsed((String) asked.get("path")) : build.answer(asked);
            program = restored(saved(program));
        }
    }

    private Script parsed(String path) throws Exception {
        GroovyCodeSource source = new GroovyCodeSource(Files.readString(build.place(path)), Path.of(path).getFileName().toString(), "/pipeline");
        Class<?> program = loader.parseClass(source, false);
        return (Script) program.getDeclaredConstructor().newInstance();
    }

    private static byte[] saved(Continuable program) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream stream = new ObjectOutputStream(bytes)) {
            stream.writeObject(program);
        }
        return bytes.toByteArray();
    }

    private Continuable restored(byte[] bytes) throws IOException, ClassNotFoundException {
        try (ObjectInputStream stream = new ObjectInputStream(new ByteArrayInputStream(bytes)) {
            @Override
            protected Class<?> resolveClass(ObjectStreamClass wanted) throws IOException, ClassNotFoundException {
                try {
                    return Class.forName(wanted.getName(), false, loader);
                } catch (ClassNotFoundException error) {
                    return super.resolveClass(wanted);
                }
            }
        }) {
            return (Continuable) stream.readObject();
        }
    }
}
