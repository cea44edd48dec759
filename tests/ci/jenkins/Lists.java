import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** Lets a loop over a list be saved in its middle: what Jenkins does for its pipelines, too (IteratorHack of workflow-cps). */
public final class Lists {
    private Lists() {
    }

    /** Stands in for List.iterator() in what the transformer has changed. */
    public static Iterator<Object> iterator(List<?> list) {
        return new Saved(new ArrayList<>(list));
    }

    private static final class Saved implements Iterator<Object>, Serializable {
        private static final long serialVersionUID = 1;
        private final ArrayList<Object> items;
        private int next;

        Saved(ArrayList<Object> items) {
            this.items = items;
        }

        @Override
        public boolean hasNext() {
            return next < items.size();
        }

        @Override
        public Object next() {
            return items.get(next++);
        }
    }
}
