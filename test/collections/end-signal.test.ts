import t from 'tap';
import { RequestEnd } from '../../src/collections/end-signal.js';

t.test(
  'listeners hear of the end once, those that were removed do not, and the first reason stays',
  async (t) => {
    const end = new RequestEnd();
    const heard: string[] = [];
    const removedMeanwhile = () => heard.push('removed meanwhile');
    const removed = () => heard.push('removed');
    end.addEventListener('abort', () => {
      heard.push('first');
      end.removeEventListener('abort', removedMeanwhile);
      end.addEventListener('abort', () => heard.push('late'));
    });
    end.addEventListener('abort', removed);
    end.addEventListener('abort', removedMeanwhile);
    end.addEventListener('abort', () => heard.push('second'));
    end.removeEventListener('abort', removed);
    t.notOk(end.aborted);
    const reason = new Error('over');
    end.abort(reason);
    end.abort(new Error('again'));
    t.ok(end.aborted);
    t.equal(end.reason, reason);
    t.same(heard, ['first', 'second']);
  },
);
